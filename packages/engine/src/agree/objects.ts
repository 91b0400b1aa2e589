import { type Key, parseKey } from '@entente/protocol'
import * as v from 'valibot'
import type { AgreementsApi, AgreementView, ObjectName } from '../api/index.js'
import { type ConnectionFacts, messageEdit, requireConnection, whileConnected } from '../connect/connection-facts.js'
import { peerRegisterReconciler } from '../connect/peer-register.js'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import type { Reconciler } from '../reconcilers.js'
import { offRegisters, offSince, ownOff } from '../replica/feed-role.js'
import type { Row } from '../row/row.js'
import { objectNames } from './narrow-proposal.js'

// Either org switches an object off, and its own switch on again (rules OB1 and OB2). Each side's switches are a register of its own, so neither turns the other's.

/** The key of a side's decision about which objects it has switched off. */
export const objectsKey: Key = parseKey('objects')

/** Switches as an admin signs them: the objects that the side has switched off, all of them. */
export const objectsTerms = v.object({ off: v.pipe(v.array(v.picklist(['Lead', 'Opportunity'])), v.maxLength(2)) })

/** Switches an object off or on, as an admin of either side. */
export function createSwitch({ rows, identity, user, clock }: EngineContext): AgreementsApi['switchObject'] {
  return async (id, object, on) => {
    const connection = requireConnection(rows, id)
    if (user.role !== 'admin') throw new EngineError('NOT_ALLOWED', 'Only an admin may switch an object off or on. Ask one of your admins.')
    const known = offSince(rows.get('Connection', id), 'ownOff')
    if ((known[object] === undefined) === on) return
    const off = objectNames.filter((name) => (name === object ? !on : known[name] !== undefined))
    const jws = await identity.signDecision('objects', { connection: id, off })
    const values = { [ownOff(object)]: on ? null : clock.now() }
    await rows.save(
      [{ object: 'Connection', id, values }, messageEdit(connection.ownMessages, objectsKey, jws)],
      whileConnected(connection),
    )
  }
}

/** Takes in which objects an admin of the peer switched off or on. */
export function peerObjectsReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  return peerRegisterReconciler(context, {
    name: 'objects of the peer',
    key: objectsKey,
    type: 'objects',
    terms: objectsTerms,
    register: 'peerOff',
    what: 'A switch of objects',
    value({ off }, at, row) {
      const before = offSince(row, 'peerOff')
      return Object.fromEntries(off.map((name) => [name, before[name] ?? at]))
    },
  })
}

/** What is switched off over a connection, and since when. */
export function switchedOff(connection: Row | undefined): AgreementView['off'] {
  return offRegisters.flatMap((register) => {
    const since = offSince(connection, register)
    return objectNames.flatMap((object: ObjectName) => {
      const at = since[object]
      return at === undefined ? [] : [{ object, by: register === 'ownOff' ? ('own' as const) : ('peer' as const), at }]
    })
  })
}
