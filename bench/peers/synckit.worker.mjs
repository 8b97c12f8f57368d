import { runAsWorker } from 'synckit';
import { request } from 'undici';

runAsWorker(async (url) => {
  const { body } = await request(url);
  return await body.json();
});
