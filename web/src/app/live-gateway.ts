import type { Engine } from '@entente/engine'
import { type Answer, answerPages } from '../mirror/handover.js'

/**
 * Hands pages of this origin what opens a live mirror of this org, as long as this tab leads: only then has it the line to ask for a token.
 *
 * @returns the function that ends it
 */
export function serveLiveMirrors(engine: Engine): () => void {
  return answerPages(({ org, mirror }) =>
    org === engine.org.id && engine.sync.status().leader
      ? engine.sync.openGateway(mirror).then((pass): Answer => ({ kind: 'pass', pass }), refusalOf)
      : undefined,
  )
}

/** Where the live view of a mirror stands. */
export function liveMirrorAddress(engine: Engine, mirror: string): string {
  return `mirror.html#${engine.org.id}/${mirror}`
}

function refusalOf(error: unknown): Answer {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : 'The mirror could not be opened.'
  return { kind: 'refused', ended: code === 'NOT_FOUND', message }
}
