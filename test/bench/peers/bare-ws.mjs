// The limit: a loop over sockets and nothing else. No storage, no check, no order kept over restarts; a message goes out as the very buffer that came in.
import { listen } from './listen.mjs'

const sockets = new Set()

listen((socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('message', (data) => {
    for (const other of sockets) if (other !== socket) other.send(data)
  })
})
