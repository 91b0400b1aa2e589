import type { OpenSocket, SocketEvents } from '../port/socket.js'
import type { MemoryRelay, RelayEnd } from './relay.js'
import type { Chance } from './chance.js'

/** A socket whose frames move only when the simulation says so. */
export class SimulatedSocket {
  readonly #events: SocketEvents
  readonly #end: RelayEnd
  #up: Uint8Array[] = []
  #down: Uint8Array[] = []
  #delivered = 0
  isOpen = true

  constructor(relay: MemoryRelay, events: SocketEvents) {
    this.#events = events
    this.#end = relay.connect(
      (frame) => this.isOpen && this.#down.push(frame),
      () => this.cut(),
    )
  }

  /** Whether nothing moves on it any more. */
  get isDone(): boolean {
    return !this.isOpen && this.#up.length === 0
  }

  get canMoveUp(): boolean {
    return this.#up.length > 0
  }

  get canMoveDown(): boolean {
    return this.isOpen && this.#down.length > 0
  }

  send(frame: Uint8Array): void {
    if (this.isOpen) this.#up.push(frame)
  }

  moveUp(twice: boolean): void {
    const frame = this.#up.shift()
    if (!frame) return
    this.#end.receive(frame)
    if (twice) this.#end.receive(frame)
    this.#endIfDone()
  }

  moveDown(twice: boolean): void {
    const frame = this.#down.shift()
    if (!frame || !this.isOpen) return
    this.#delivered++
    this.#events.onFrame(frame)
    // Challenge and welcome open a session; a socket that repeated them would be another socket.
    if (twice && this.#delivered > 2) this.#events.onFrame(frame)
  }

  /** The device closes the socket. A part of what it sent may still arrive, or all of it where the relay does not notice. */
  letGo(chance: Chance, halfOpen: boolean): void {
    this.isOpen = false
    this.#down = []
    if (!halfOpen) this.#up = this.#up.slice(0, chance.below(this.#up.length + 1))
    this.#endIfDone()
  }

  /** The relay's end of a closed socket goes with its last frame: what it said from then on would reach nobody. */
  #endIfDone(): void {
    if (this.isDone) this.#end.gone()
  }

  /** The socket breaks. */
  cut(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#down = []
    this.#up = []
    this.#end.gone()
    this.#events.onClose()
  }
}

/** Opens simulated sockets. @param opened is given each of them */
export function simulatedSockets(
  relay: () => MemoryRelay,
  chance: Chance,
  halfOpen: () => boolean,
  opened: (socket: SimulatedSocket) => void,
): OpenSocket {
  return (_url, events) => {
    const socket = new SimulatedSocket(relay(), events)
    opened(socket)
    return { send: (frame) => socket.send(frame), close: () => socket.letGo(chance, halfOpen()) }
  }
}
