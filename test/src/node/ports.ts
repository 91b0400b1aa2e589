import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers'
import type { Clock, OpenSocket, RandomBytes } from '@entente/engine'
import WebSocket from 'ws'

// The engine's ports on Node, for engines that run without a browser: real sockets, real time, real randomness.

export const nodeClock: Clock = {
  now: () => Date.now(),
  after: (ms, call) => {
    if (ms === 0) {
      const immediate = setImmediate(call)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
}

export const nodeRandom: RandomBytes = (length) => new Uint8Array(randomBytes(length))

export const nodeSocket: OpenSocket = (url, events) => {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  let open = true
  socket.binaryType = 'nodebuffer'
  socket.on('open', () => events.onOpen())
  socket.on('message', (data: Buffer) => open && events.onFrame(new Uint8Array(data)))
  // A failed connect says "error" and then "close"; the close is what counts.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    if (open) events.onClose()
    open = false
  })
  return {
    send: (frame) => socket.send(frame),
    close: () => {
      open = false
      socket.terminate()
    },
  }
}
