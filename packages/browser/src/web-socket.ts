import type { OpenSocket } from '@entente/engine'

/** A line to the relay over the browser's WebSocket, as the engine's OpenSocket. */
export const openWebSocket: OpenSocket = (url, events) => {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => events.onOpen()
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    // The relay sends binary frames only; a text frame is somebody else's.
    if (data instanceof ArrayBuffer) events.onFrame(new Uint8Array(data))
    else socket.close()
  }
  socket.onclose = () => events.onClose()
  return {
    send: (frame) => socket.send(frame as Uint8Array<ArrayBuffer>),
    close: () => {
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close()
    },
  }
}
