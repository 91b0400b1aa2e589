/** An open or opening line to the relay. Frames are binary, in order, never split. */
export interface Socket {
  send(frame: Uint8Array): void
  /** Closes for good; `onClose` is not called after it. */
  close(): void
}

export interface SocketEvents {
  onOpen(): void
  onFrame(frame: Uint8Array): void
  /** The line is gone, or never came about. Called once. */
  onClose(): void
}

/** Opens a line. Never throws: a failure is an `onClose`. */
export type OpenSocket = (url: string, events: SocketEvents) => Socket
