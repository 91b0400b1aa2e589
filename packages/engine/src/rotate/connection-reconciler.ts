import { type ConnectionId, type DeviceId, otherSide, type RosterDevice } from '@entente/protocol'
import * as v from 'valibot'
import { type ConnectionFacts, enabledConnections, messageEdit } from '../connect/connection-facts.js'
import { readDecision, Refusals } from '../connect/peer-decision.js'
import { makeRotation, openRotation, owesRotation, receivingKey, type RotationTerms, rotationTerms } from '../connect/rotation.js'
import type { EngineContext } from '../context.js'
import { type DeviceLookup, verifyDecision } from '../identity/decision.js'
import { type ExchangeKey, exchangeKeyOf } from '../identity/keys.js'
import type { Reconciler } from '../reconcilers.js'
import { type InboxMessage, messageRowId } from '../replica/index.js'
import { rotationKey, rotationOf, textOf, wasVerified } from '../replica/feed-role.js'
import { isAbove, type Register, registerOf, valueOf } from '../row/row.js'
import { whileUnchanged } from '../row/rows.js'
import type { Value } from '../schema/value.js'
import type { SendingOrder } from '../seal/keyring.js'
import { highestGeneration, sendingSecret } from '../seal/keys.js'
import { noteRemoval } from './removals.js'

// What both orgs of a connection send with (rules RT4 and RT5). An org that has rotated its own secret tells each peer; the peer answers once; nobody waits.

/** Takes in the rotations of both sides, makes the ones that the own side owes, and has an admin sign again what nobody answers for any more. */
export function connectionRotationReconciler(context: EngineContext): Reconciler<ConnectionFacts> {
  const { rows, replica, rosters, identity, org } = context
  const { keyring } = replica
  const refusals = new Refusals(context)
  const read = new Map<string, RotationTerms | undefined>()
  let readOn: string | undefined
  return {
    name: 'rotations',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      await noteRemoval(context, connection.peer)
      const own = await ownRotations(connection)
      await takeOwn(connection, own)
      await takePeers(connection)
      // What was begun before a recovery is signed again though the codes are yet to be compared once more: what confirms them is sealed under it.
      if (!connection.confirmed && !wasVerified(rows.get('Connection', connection.id))) return
      if ((await rosters.device(org.id, identity.device))?.role !== 'admin') return
      await signAgain(connection, own)
      await rotate(connection)
    },
  }

  /** What stands in the own feed and an admin of the highest roster signed. */
  async function ownRotations({ id, ownMessages }: ConnectionFacts): Promise<ReadonlyMap<number, RotationTerms>> {
    const found = new Map<number, RotationTerms>()
    for (const [key, { body }] of replica.inbox(ownMessages, 'rotation')) {
      const generation = rotationOf(key)
      const terms = generation === undefined || typeof body !== 'string' ? undefined : await readOwn(body, id)
      if (generation !== undefined && terms?.generation === generation) found.set(generation, terms)
    }
    return found
  }

  /** Read once for each roster: this runs after every change. */
  async function readOwn(body: string, connection: ConnectionId): Promise<RotationTerms | undefined> {
    const hash = (await rosters.highest(org.id))?.hash
    if (readOn !== hash) read.clear()
    readOn = hash
    const name = `${connection} ${body}`
    if (!read.has(name)) read.set(name, await verifyOwn(body, connection))
    return read.get(name)
  }

  async function verifyOwn(body: string, connection: ConnectionId, devices: DeviceLookup = rosters): Promise<RotationTerms | undefined> {
    const verified = await verifyDecision(body, 'rotation', devices, { org: org.id, connection, role: 'admin' })
    const parsed = verified.ok ? v.safeParse(rotationTerms, verified.decision) : undefined
    return parsed?.success ? parsed.output : undefined
  }

  /**
   * The next rotation, if who signed it was an admin once and it was owed. The peer may have taken it before it heard of the removal. Each one that counts here answers
   * a rotation that was made, so that who was removed does not use up the generations.
   */
  async function begun({ id, side, ownMessages }: ConnectionFacts, generation: number): Promise<RotationTerms | undefined> {
    const terms = await readOnce(replica.inbox(ownMessages).get(rotationKey(generation))?.body, id)
    const last = keyring.orders(id, side).at(-1)
    const [own, to] = [last?.own ?? 0, last?.order.to ?? 0]
    const isOwed = terms?.generation === generation && terms.own >= own && (terms.own > own || terms.to > to)
    return isOwed ? terms : undefined
  }

  /** The terms of a rotation, if an admin signed it who may be none any more. */
  async function readOnce(body: Value | undefined, connection: ConnectionId): Promise<RotationTerms | undefined> {
    if (typeof body !== 'string') return undefined
    const history = await rosters.history(org.id)
    const roleOnce = (device: DeviceId): RosterDevice | undefined =>
      history.findLast(({ devices }) => devices.get(device)?.role === 'admin')?.devices.get(device)
    return verifyOwn(body, connection, { device: (_, device) => Promise.resolve(roleOnce(device)) })
  }

  /**
   * The next generation of what the own side sends with. One whose rotation rests on an own secret that was replaced is passed over, also where it is on its way: the peer
   * may have taken it, and nobody here has its secret.
   */
  async function nextGeneration({ id, side, ownMessages }: ConnectionFacts): Promise<number> {
    for (let of = keyring.highestSending(id, side) + 1; ; of++) {
      const key = rotationKey(of)
      const bodies = [replica.inbox(ownMessages).get(key)?.body, valueOf(rows.get('Message', messageRowId(ownMessages, key)), 'body')]
      const said = await Promise.all(bodies.map((body) => readOnce(body, id)))
      if (!said.some((terms) => terms && keyring.isReplaced(terms))) return of
    }
  }

  async function takeOwn(connection: ConnectionFacts, found: ReadonlyMap<number, RotationTerms>): Promise<void> {
    const { id, side } = connection
    for (;;) {
      const of = await nextGeneration(connection)
      const terms = found.get(of)
      const secret = terms && ownSecret(terms.own)
      if (!terms || secret === undefined || terms.roster > (keyring.ownOrder(terms.own)?.roster ?? terms.roster)) return
      await keyring.addSending(id, side, of, { secret: sendingSecret(secret, id, of), own: terms.own, order: orderOf(terms) })
    }
  }

  async function takePeers(connection: ConnectionFacts): Promise<void> {
    const { id, side, peerMessages } = connection
    const inbox = replica.inbox(peerMessages)
    for (let of = keyring.highestSending(id, otherSide(side)) + 1; ; of++) {
      const body = inbox.get(rotationKey(of))?.body
      const message = `${id}/${rotationKey(of)}`
      if (body === undefined || body === null || refusals.has(message, body)) return
      const decision = await readDecision(context, connection, 'rotation', body, rotationTerms, 'admin')
      const terms = decision.ok && decision.terms.generation === of ? decision.terms : undefined
      const key = terms && (await receivingKeyOf(connection, terms.to))
      // Sealed to a key of a generation that was passed over: the peer answers the next one too.
      if (terms && !key && terms.to > 0 && terms.to < keyring.highestSending(id, side)) continue
      // The own secret under which the peer has sealed this is on its way.
      if (terms && !key && terms.to > 0) return
      const secret = terms && key && (await openRotation(id, terms, key))
      if (!terms || secret === undefined) {
        const reason = !decision.ok ? decision.reason : 'it does not open here'
        return refusals.note(connection, message, body, 'A change of keys', reason)
      }
      await keyring.addSending(id, otherSide(side), of, { secret, own: 0, order: orderOf(terms) })
    }
  }

  /** The own key with which a rotation of the peer opens: the one of the handshake, or one that an own rotation brought. */
  async function receivingKeyOf({ id, side }: ConnectionFacts, of: number): Promise<ExchangeKey | undefined> {
    if (of === 0) {
      const secret = textOf(rows.get('Connection', id), 'exchangeKey')
      return secret === undefined ? undefined : exchangeKeyOf(secret)
    }
    const brought = keyring.orders(id, side).find(({ generation, order }) => generation === of && order.receiving !== undefined)
    const isReplaced = brought && keyring.isReplaced({ own: brought.own, roster: brought.order.roster })
    const secret = brought && !isReplaced ? ownSecret(brought.own) : undefined
    return secret === undefined ? undefined : receivingKey(secret, id, of)
  }

  /** A rotation whose signer is no admin any more would count for no one who reads it from now on. */
  async function signAgain({ id, side, ownMessages }: ConnectionFacts, found: ReadonlyMap<number, RotationTerms>): Promise<void> {
    for (const { generation, own, order } of keyring.orders(id, side)) {
      const key = rotationKey(generation)
      const there = replica.inbox(ownMessages).get(key)
      const isThere = isSame(found.get(generation), own, order)
      const register = registerOf(rows.get('Message', messageRowId(ownMessages, key)), 'body')
      const body = register?.[1]
      const isAhead = isAheadOf(register, there)
      const isSaid = typeof body === 'string' && isSame(await readOwn(body, id), own, order)
      // Two admins who signed at once did it under one stamp: what the relay has counts.
      const isDone = isSaid && (isThere ? isAhead || body === there?.body : !replica.acknowledged(ownMessages, key))
      if (isDone) continue
      const { roster, to, receiving, sealed } = order
      const terms = { generation, own, roster, to, sealed, ...(receiving !== undefined && { receiving }) }
      const again = isThere ? there?.body : isSaid ? body : await identity.signDecision('rotation', { connection: id, ...terms })
      await rows.save([{ ...messageEdit(ownMessages, key, again ?? null), ...(there && { above: there.stamp }) }])
    }
  }

  async function rotate(connection: ConnectionFacts): Promise<void> {
    const { id, side, ownMessages } = connection
    const [own, peer] = [keyring.orders(id, side).map(asOrder), keyring.orders(id, otherSide(side)).map(asOrder)]
    const isDue = keyring.isSendingDue(id, side)
    if (!isDue && !owesRotation(own, peer)) return
    const generation = await nextGeneration(connection)
    if (generation > highestGeneration) return
    const edit = { object: 'Message', id: messageRowId(ownMessages, rotationKey(generation)) } as const
    // Another admin's may come while this one is made.
    const unchanged = whileUnchanged(rows, [edit])
    const register = registerOf(rows.get(edit.object, edit.id), 'body')
    const there = replica.inbox(ownMessages).get(rotationKey(generation))
    // The own secret of another admin's rotation is on its way.
    if (typeof there?.body === 'string' && (await readOwn(there.body, id))?.generation === generation) return
    // On its way to the relay.
    if (isAheadOf(register, there) && typeof register?.[1] === 'string' && (await readOwn(register[1], id))) return
    // A generation has one secret, at the peer too: it is the same one whoever signs it. What is due beyond that takes the next generation.
    const before = await begun(connection, generation)
    if (!before && !connection.confirmed) return
    const highest = before?.own ?? keyring.highestOwn()
    const secret = ownSecret(highest)
    const newest = before ? peer.find((each) => each.generation === before.to) : peer.findLast(({ receiving }) => receiving !== undefined)
    const key = newest?.receiving ?? textOf(rows.get('Connection', id), 'peerExchange')
    if (secret === undefined || key === undefined) return
    const terms = await makeRotation({
      connection: id,
      generation,
      own: { generation: highest, secret, roster: keyring.ownOrder(highest)?.roster ?? 0 },
      to: { generation: newest?.generation ?? 0, key },
      renews: before ? before.receiving !== undefined : isDue,
    })
    // It has the secret that it had. What stands under it is read from now on.
    if (before)
      await keyring.addSending(id, side, generation, { secret: sendingSecret(secret, id, generation), own: highest, order: orderOf(terms) })
    const body = await identity.signDecision('rotation', { connection: id, ...terms })
    // Of two admins who sign at once, the one whose rotation is at the relay first is heard: the other's is not above it.
    const above = there ? { above: there.stamp } : register ? {} : { stamp: [1, 0, 0] as const }
    await rows.save([{ ...edit, values: { body }, ...above }], unchanged)
  }

  function ownSecret(of: number): string | undefined {
    return of === 0 ? textOf(rows.get('Key', 'team'), 'secret') : keyring.own(of)
  }
}

function orderOf({ to, receiving, roster, sealed }: RotationTerms): SendingOrder {
  return { to, roster, sealed, ...(receiving !== undefined && { receiving }) }
}

/** Whether the row of a message is above what the relay has. */
function isAheadOf(register: Register | undefined, there: InboxMessage | undefined): boolean {
  return register !== undefined && (!there || isAbove(register, [there.stamp, null]))
}

/** Whether a rotation brings what this device has already. Two admins who sign the same seal it each anew. */
function isSame(terms: RotationTerms | undefined, own: number, { to, receiving, roster }: SendingOrder): boolean {
  return terms?.own === own && terms.to === to && terms.receiving === receiving && terms.roster === roster
}

function asOrder({ generation, order }: { readonly generation: number; readonly order: SendingOrder }): {
  readonly generation: number
  readonly to: number
  readonly receiving?: string
} {
  const { to, receiving } = order
  return { generation, to, ...(receiving !== undefined && { receiving }) }
}
