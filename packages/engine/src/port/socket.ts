/** A WebSocket to the relay, open or opening. Each frame is one binary message; frames arrive whole and in order. */
export interface Socket {
  /** Sends one frame. */
  send(frame: Uint8Array): void
  /** Closes the socket. No event follows, not even `onClose`. */
  close(): void
}

/** What a socket reports. */
export interface SocketEvents {
  /** The socket is open: `send` may be called. */
  onOpen(): void
  /** One frame has arrived. */
  onFrame(frame: Uint8Array): void
  /** The socket has closed, or has failed to open. Called at most once, and last. */
  onClose(): void
}

/** Opens a socket. It never throws: a failure calls `onClose`. */
export type OpenSocket = (url: string, events: SocketEvents) => Socket
