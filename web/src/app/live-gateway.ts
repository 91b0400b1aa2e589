import type { Engine } from '@entente/engine'
import { type HandoverAnswer, answerPages } from '../live-mirror/handover.js'

/**
 * Gives pages of this origin the pass for a live mirror of this org while this tab leads: only the leading tab has the link to ask for a token.
 *
 * @param relay the relay's socket, whose gateway the page dials
 * @returns the function that ends it
 */
export function serveLiveMirrors(engine: Engine, relay: string): () => void {
  const gateway = new URL('gateway', relay).href
  return answerPages(({ org, mirror }) =>
    org === engine.org.id && engine.sync.status().leader
      ? engine.sync.openGateway(mirror).then((pass): HandoverAnswer => ({ kind: 'pass', pass: { ...pass, gateway } }), refusalOf)
      : undefined,
  )
}

/** The address of a mirror's live view. */
export function liveMirrorAddress(engine: Engine, mirror: string): string {
  return `mirror.html#${engine.org.id}/${mirror}`
}

function refusalOf(error: unknown): HandoverAnswer {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : 'The mirror could not be opened.'
  return { kind: 'refused', ended: code === 'NOT_FOUND', message }
}
