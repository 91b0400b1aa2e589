import { type Key, parseKey } from '@entente/protocol'
import * as v from 'valibot'
import type { EngineContext } from '../context.js'
import type { Reconciler } from '../reconcilers.js'
import type { ConnectionFacts } from './connection-facts.js'
import { peerRegisterReconciler } from './peer-register.js'

// Either org pauses a connection for a while (rules PA1 and PA2). Each side's pause is a register of its own, so neither ends the other's.

/** The key of a side's decision whether the connection pauses. */
export const pauseKey: Key = parseKey('pause')

/** A pause, or its end, as an admin signs it. */
export const pauseTerms = v.object({ on: v.boolean() })

/** Takes in that an admin of the peer paused the connection, or resumed it. */
export function peerPauseReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  return peerRegisterReconciler(context, {
    name: 'pauses of the peer',
    key: pauseKey,
    type: 'pause',
    terms: pauseTerms,
    register: 'peerPause',
    what: 'A pause',
    value: ({ on }, at) => (on ? at : null),
  })
}
