import type { FeedName } from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { exchangeKeyOf } from '../identity/keys.js'
import { prevailing, readOwnRotation, type VerifiedOwnRotation } from '../identity/own-rotation.js'
import { kitKey } from '../identity/saved-kit.js'
import type { Reconciler } from '../reconcilers.js'
import { messageRowId } from '../replica/index.js'
import { rotationKey, rotationOf, teamFeed } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { whileUnchanged } from '../row/rows.js'
import { hashOfRotation } from '../seal/keyring.js'
import { highestGeneration } from '../seal/keys.js'
import { noteRemoval } from './removals.js'

// An org's own rotations (rules RT1 to RT3). Who draws one does not use it before the relay has it: it takes it in from there, as every other device does.

/** Takes in the own org's rotations, publishes again those that the relay lost, and makes the one that a removal asks for. */
export function ownRotationReconciler(context: EngineContext): Reconciler {
  const { rows, replica, rosters, org } = context
  const { keyring } = replica
  const feed = teamFeed(org.id, 'messages')
  return {
    name: 'own rotations',
    subjects: () => [{ id: org.id }],
    async react() {
      const removed = await noteRemoval(context, org.id)
      await take(feed)
      await keep(feed)
      if (removed > keyring.ownRoster() && (await mayRotate(context))) await beginOwnRotation(context)
    },
  }

  async function take(from: FeedName): Promise<void> {
    const [chain, history] = [await rosters.chain(org.id), await rosters.history(org.id)]
    const found: VerifiedOwnRotation[] = []
    for (const [key, { body }] of replica.inbox(from, 'rotation')) {
      const generation = rotationOf(key)
      const known = generation === undefined ? undefined : keyring.ownOrder(generation)
      if (generation === undefined || typeof body !== 'string' || known?.token === body) continue
      const secret = keyring.own(generation)
      // What brought a secret to this org before this device joined: who gave it the secret has named it.
      if (known && secret !== undefined && known.hash === hashOfRotation(body)) {
        await keyring.addOwn(generation, secret, { roster: known.roster, token: body })
        continue
      }
      // What this device missed while it was away may name a roster from before the org came back by its kit. It takes nobody's place.
      const rotation = await readOwnRotation(body, org.id, known ? chain : history)
      if (rotation?.generation === generation) found.push(rotation)
    }
    for (const rotation of found.sort((a, b) => a.generation - b.generation)) await takeOne(rotation, chain)
  }

  async function takeOne(rotation: VerifiedOwnRotation, chain: Awaited<ReturnType<typeof rosters.chain>>): Promise<void> {
    const { generation, token, on } = rotation
    const known = keyring.ownOrder(generation)
    const before = known?.token === undefined ? undefined : await readOwnRotation(known.token, org.id, chain)
    if (known && (known.roster > on.number || (before && prevailing(before, rotation) === before))) return
    // Who was removed begins no generation after the one that removed it.
    for (let of = 1; of < generation; of++) if ((keyring.ownOrder(of)?.roster ?? 0) > on.number) return
    const secret = (await context.identity.openOwnRotation(rotation)) ?? (known ? undefined : keyring.own(generation))
    if (secret !== undefined) await keyring.addOwn(generation, secret, { roster: on.number, token })
  }

  /** What counts stands in the feed: over what somebody else put there, and after a loss. */
  async function keep(in_: FeedName): Promise<void> {
    const edits = []
    for (let of = 1; of <= keyring.highestOwn(); of++) {
      const [key, token] = [rotationKey(of), keyring.ownOrder(of)?.token]
      const edit = { object: 'Message', id: messageRowId(in_, key) } as const
      if (token !== undefined && valueOf(rows.get(edit.object, edit.id), 'body') !== token) edits.push({ ...edit, values: { body: token } })
    }
    if (edits.length > 0) await rows.save(edits)
  }
}

type Rotating = Pick<EngineContext, 'rows' | 'replica' | 'rosters' | 'org' | 'identity' | 'random'>

/** The next own rotation, as this device knows it before it has its secret: it is on its way to the relay, or has just come from there. */
export async function rotationOnItsWay({
  rows,
  replica,
  rosters,
  org,
}: Omit<Rotating, 'identity' | 'random'>): Promise<VerifiedOwnRotation | undefined> {
  const { keyring } = replica
  const body = valueOf(rows.get('Message', messageRowId(teamFeed(org.id, 'messages'), rotationKey(keyring.highestOwn() + 1))), 'body')
  const rotation = typeof body === 'string' ? await readOwnRotation(body, org.id, await rosters.chain(org.id)) : undefined
  // Of somebody who was removed it never counts (rule RT3).
  return rotation && rotation.on.number >= keyring.ownRoster() ? rotation : undefined
}

/**
 * Before this device goes on under a roster that another admin's device has published: what it drew for the devices of an earlier one, and the relay does not have, it draws anew. A device that
 * joined meanwhile would never have that secret.
 */
export async function renewRotation(context: Rotating): Promise<void> {
  const { replica, rosters, org } = context
  const pending = await rotationOnItsWay(context)
  const roster = await rosters.highest(org.id)
  if (!pending || !roster || pending.on.number >= roster.number) return
  const there = replica.inbox(teamFeed(org.id, 'messages')).get(rotationKey(pending.generation))?.body
  if (there !== pending.token) await beginOwnRotation(context)
}

/** Whether this is an admin's device that has read its team's messages. */
async function mayRotate({ rosters, org, identity, replica }: EngineContext): Promise<boolean> {
  const highest = await rosters.highest(org.id)
  return highest?.devices.get(identity.device)?.role === 'admin' && !replica.position(teamFeed(org.id, 'messages')).rebuild
}

/**
 * Draws the next own secret, seals it to each device of the highest roster and to the recovery kit, and publishes that. Does nothing where one is on its way.
 *
 * @throws EngineError NOT_ALLOWED after 255 generations
 */
export async function beginOwnRotation(context: Rotating): Promise<void> {
  const { rows, replica, rosters, org, identity, random } = context
  const generation = replica.keyring.highestOwn() + 1
  if (generation > highestGeneration)
    throw new EngineError('NOT_ALLOWED', 'The keys of this org have changed as often as they can. Found the org anew.')
  const edit = { object: 'Message', id: messageRowId(teamFeed(org.id, 'messages'), rotationKey(generation)) } as const
  // Another admin's may come while this one is made.
  const unchanged = whileUnchanged(rows, [edit])
  const row = rows.get(edit.object, edit.id)
  const roster = await rosters.highest(org.id)
  if (!roster) return
  const present = await rotationOnItsWay(context)
  if (present && present.on.number >= roster.number) return
  const root = await identity.rootSecrets()
  const kit = kitKey(rows) ?? (root && (await exchangeKeyOf(root.recovery)).public)
  const secret = toBase64UrlEncoded(random(32))
  const token = await identity.signOwnRotation({ generation, secret, roster, ...(kit !== undefined && { kit }) })
  // Of two admins who rotate at once, the one whose rotation is at the relay first is heard: the other's is not above it.
  const first = row ? {} : { stamp: [roster.number, 0, 0] as const }
  await rows.save([{ ...edit, values: { body: token }, ...first }], unchanged)
}
