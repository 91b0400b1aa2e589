// What every server here has in common: it takes a free port on loopback and says which one on a line of its own.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

/**
 * Starts a WebSocket server as `ws` recommends it for small messages: no compression, which only costs time on loopback and over sealed bytes.
 *
 * @param {(socket: import('ws').WebSocket, request: import('node:http').IncomingMessage) => void} onSocket
 */
export function listen(onSocket) {
  const server = createServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', onSocket)
  server.listen(0, '127.0.0.1', () => tellPort(server.address().port))
}

/** @param {number} port */
function tellPort(port) {
  process.stdout.write(`${JSON.stringify({ event: 'listening', port })}\n`)
}
