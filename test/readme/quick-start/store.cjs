require('node:http')
  .createServer(({ url }, response) => {
    response.writeHead(url === '/secrets/OPENAI_API_KEY' ? 200 : 404).end('sk-demo');
  })
  .listen(8200);
