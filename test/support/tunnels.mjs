import { connect } from 'node:net';

/**
 * Makes a server a proxy, too. It connects every host to this machine, and refuses `refused-407.example` with 407.
 * Returns the list of its requests: each host with its port, and the credentials.
 */
export function actAsProxy(server) {
  const tunnels = [];
  server.on('connect', (request, socket) => {
    const { 'proxy-authorization': credentials = 'none' } = request.headers;
    tunnels.push(`${request.url} ${credentials}`);
    const status = /refused-(\d+)/.exec(request.url)?.[1];
    if (status !== undefined) return socket.end(`HTTP/1.1 ${status} Refused\r\n\r\n`);
    const target = connect(Number(request.url.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  return tunnels;
}
