import type { Engine } from '@entente/engine'

/** The context's key. Equal in every copy of the library, so that a provider of one copy serves the elements of another. */
export const engineContext = Symbol.for('entente.engine/1')

/** Fired on the document when a provider appears or gets its engine, for elements that were there before it. */
export const providedEvent = 'entente-provided'

/** Receives the engine, or undefined once there is none, and a function that ends the subscription. */
export type TakeEngine = (engine: Engine | undefined, end?: () => void) => void

/** The event by which an element asks its ancestors for the engine, in the form of the web components community's context protocol. */
export class ContextRequest extends Event {
  readonly context = engineContext
  readonly subscribe = true
  readonly callback: TakeEngine
  readonly contextTarget: EventTarget

  constructor(callback: TakeEngine, contextTarget: EventTarget) {
    super('context-request', { bubbles: true, composed: true })
    this.callback = callback
    this.contextTarget = contextTarget
  }
}

export function isContextRequest(event: Event): event is ContextRequest {
  return 'context' in event && event.context === engineContext && 'callback' in event && typeof event.callback === 'function'
}
