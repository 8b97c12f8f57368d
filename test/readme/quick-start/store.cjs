require('node:http')
  .createServer(({ url }, response) => {
    if (url === '/secrets/OPENAI_API_KEY') response.end('sk-demo');
    else response.writeHead(404).end();
  })
  .listen(8200);
