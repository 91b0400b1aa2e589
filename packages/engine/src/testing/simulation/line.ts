import type { OpenSocket, SocketEvents } from '../../port/socket.js'
import type { MemoryRelay, RelayEnd } from '../relay.js'
import type { Chance } from './chance.js'

/** A line whose frames move only when the simulation says so. */
export class SimulatedLine {
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
  }

  moveDown(twice: boolean): void {
    const frame = this.#down.shift()
    if (!frame || !this.isOpen) return
    this.#delivered++
    this.#events.onFrame(frame)
    // Challenge and welcome open a session; a line that repeated them would be another line.
    if (twice && this.#delivered > 2) this.#events.onFrame(frame)
  }

  /** The device lets go of the line. What it had said may still arrive: all of it where the other end does not notice. */
  letGo(chance: Chance, halfOpen: boolean): void {
    this.isOpen = false
    this.#down = []
    if (!halfOpen) this.#up = this.#up.slice(0, chance.below(this.#up.length + 1))
  }

  /** The line breaks. */
  cut(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#down = []
    this.#up = []
    this.#end.gone()
    this.#events.onClose()
  }
}

/** Opens simulated lines and tells of each. */
export function simulatedSockets(
  relay: () => MemoryRelay,
  chance: Chance,
  halfOpen: () => boolean,
  opened: (line: SimulatedLine) => void,
): OpenSocket {
  return (_url, events) => {
    const line = new SimulatedLine(relay(), events)
    opened(line)
    return { send: (frame) => line.send(frame), close: () => line.letGo(chance, halfOpen()) }
  }
}
