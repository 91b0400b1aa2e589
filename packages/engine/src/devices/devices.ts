import {
  type DeviceId,
  type FeedName,
  limits,
  type MailboxId,
  parseKey,
  parseMailboxId,
  roles,
  rosterFeedOf,
  rosterKey,
} from '@entente/protocol'
import { toBase64UrlEncoded } from 'lib0/buffer'
import type { DeviceInvitationState, DeviceInvitationView, DevicesApi } from '../api/index.js'
import { invitationProblems, requireAddress } from '../connect/connections.js'
import { cancelEdits, giveUp, isExpired, isOpen, joinsOf } from '../connect/handshake-reconciler.js'
import { formatLink } from '../connect/invitation-link.js'
import { codeOf, pathToShow } from '../connect/reveal.js'
import type { EngineContext } from '../context.js'
import { EngineError } from '../error.js'
import { tooManyDevices } from '../identity/next-roster.js'
import { pathOf } from '../identity/roster.js'
import { checkedName } from '../name.js'
import { correctedNow } from '../people/grants.js'
import type { Reconciler } from '../reconcilers.js'
import { teamFeed, textOf } from '../replica/feed-role.js'
import { mailboxFeed, messageRowId } from '../replica/index.js'
import { type Row, valueOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { isValueMap } from '../schema/value.js'
import { mailboxId } from '../seal/index.js'
import { beginOwnRotation, rotationOnItsWay } from '../rotate/own-reconciler.js'
import type { PublishingAgain } from '../rotate/publishing-again.js'
import type { Keyring } from '../seal/keyring.js'
import { deviceObject, readReport, rowsBehind } from './device-report.js'
import { firstRows, hashOfPart, mostParts, partsOf, sealPart } from './join-package.js'

/** How long a link works, in ms. */
const linkMs = 24 * 60 * 60_000
/** How long an invitation that is over stays in the list, in ms. */
const shownMs = 7 * linkMs

export const welcomeKey = parseKey('join')
export const partKey = (index: number) => parseKey(`part.${index}`)

export interface DevicesParts {
  readonly keyring: Keyring
  /** The newest head of a feed that was verified here. */
  readonly newestHead: (feed: FeedName) => { readonly token: string; readonly time: number } | undefined
  /** How much was published again under the present keys. */
  readonly publishedAgain: () => PublishingAgain
}

/** The devices of the own org, and how one joins: the admin's half. `join/join-org.ts` is that of the device which joins. */
export function createDevices(
  context: EngineContext,
  { keyring, newestHead, publishedAgain }: DevicesParts,
): { readonly api: DevicesApi; readonly reconcilers: readonly Reconciler<Row>[] } {
  const { rows, rosters, identity, replica, random, org } = context
  const now = (): number => correctedNow(context)

  const requireAdmin = (): void => {
    if (context.user.role !== 'admin')
      throw new EngineError('NOT_ALLOWED', 'Only an admin changes the devices of the org. Ask an admin of your org.')
  }
  const listed = (device: DeviceId) => {
    const found = rosters.verified(org.id).at(-1)?.devices.get(device)
    if (!found) throw new EngineError('NOT_FOUND', 'This device is not one of your org. Look at the list again.')
    return found
  }
  const find = (id: MailboxId): Row => {
    const row = rows.get('Invitation', id)
    if (!row || textOf(row, 'join') === undefined) throw new EngineError('NOT_FOUND', 'This invitation does not exist. Make a new one.')
    return row
  }

  const api: DevicesApi = {
    list() {
      const chain = rosters.verified(org.id)
      return [...(chain.at(-1)?.devices.values() ?? [])].map(({ id, person, role }) => {
        const { name, seen } = readReport(rows.get(deviceObject, id))
        const own = id === identity.device
        return {
          id,
          person,
          personName: textOf(rows.get('User', person), 'name'),
          role,
          name,
          own,
          addedAt: chain.find(({ devices }) => devices.has(id))?.time,
          lastSeen: seen,
          behind: own ? undefined : rowsBehind(context, id),
        }
      })
    },
    invitations() {
      const shown: (readonly [made: number, view: DeviceInvitationView])[] = []
      for (const row of rows.list('Invitation').values()) {
        const made = valueOf(row, 'made')
        if (textOf(row, 'join') === undefined || typeof made !== 'number' || now() - made > shownMs) continue
        shown.push([made, viewOf(row, context, now())])
      }
      return shown.sort(([a], [b]) => b - a).map(([, view]) => view)
    },
    async invite({ base, person, role }) {
      requireAdmin()
      requireAddress(base)
      await pathToShow(context)
      if (api.list().length >= limits.devicesPerOrg) throw tooManyDevices()
      const known = typeof person === 'string' ? rows.get('User', person) : undefined
      const present = known && valueOf(known, 'removed') !== true && valueOf(known, 'role') !== 'integration' ? known : undefined
      if (typeof person === 'string' && !present)
        throw new EngineError('NOT_FOUND', 'There is no such person in your org. Look at the list again.')
      const name = typeof person === 'string' ? (textOf(present, 'name') ?? '') : checkedName(person.name, 'The name of the person')
      const secret = toBase64UrlEncoded(random(16))
      const id = mailboxId(secret)
      const values = {
        side: 'vendor',
        join: 'open',
        state: 'open',
        secret,
        base,
        made: now(),
        expires: now() + linkMs,
        device: identity.device,
        person: typeof person === 'string' ? person : toBase64UrlEncoded(random(16)),
        joins: { name, role },
      }
      await rows.save([{ object: 'Invitation', id, values }])
      return viewOf(find(id), context, now())
    },
    async confirm(id, same) {
      requireAdmin()
      const row = find(id)
      if (textOf(row, 'device') !== identity.device)
        throw new EngineError('NOT_ALLOWED', 'The device that made this link carries it out. Compare the codes there.')
      const isCompared = (stored: Row | undefined): boolean =>
        isOpen(stored) && textOf(stored, 'join') === 'compare' && !isExpired(row, now())
      if (!isCompared(row)) throw new EngineError('NOT_CONNECTED', 'This invitation shows no code to compare. Look at it again.')
      const holds = { holds: (stored: Pick<typeof rows, 'get'>) => isCompared(stored.get('Invitation', id)) }
      if (!same) {
        await rows.save(
          cancelEdits(id, 'The codes differed: another device than yours answered. Make a new link, and pass it on another way.'),
          holds,
        )
        context.problem('An admin found that the codes differ of a device that wanted to join.')
        return
      }
      const [person = '', joins] = [textOf(row, 'person'), joinsOf(row)]
      const edits: RowEdit[] = [{ object: 'Invitation', id, values: { join: 'confirmed' } }]
      // An agent is no person, and needs none who may export.
      if (joins && !rows.get('User', person))
        edits.push({ object: 'User', id: person, values: { name: joins.name, role: joins.role === 'admin' ? 'admin' : 'member' } })
      await rows.save(edits, holds)
    },
    async cancel(id) {
      requireAdmin()
      const goesOn = (row: Row | undefined): boolean => isOpen(row) && ['open', 'compare'].includes(textOf(row, 'join') ?? '')
      if (!goesOn(find(id)))
        throw new EngineError('NOT_FOUND', 'This invitation is over, or its device has joined. Look at the list again.')
      await rows.save(cancelEdits(id), { holds: (stored) => goesOn(stored.get('Invitation', id)) })
    },
    async rename(device, name) {
      if (device !== identity.device) requireAdmin()
      listed(device)
      await rows.save([{ object: deviceObject, id: device, values: { name: checkedName(name, 'The name of a device') } }])
    },
    async setRole(device, role) {
      requireAdmin()
      const { key } = listed(device)
      await context.changeRoster((devices) => devices.map((each) => (each.key === key ? { ...each, role } : each)))
    },
    async remove(ids) {
      requireAdmin()
      if (ids.includes(identity.device))
        throw new EngineError('NOT_ALLOWED', 'A device does not remove itself. Use the device of another admin.')
      const gone = new Set(ids.map((id) => listed(id).key))
      await context.changeRoster((devices) => devices.filter(({ key }) => !gone.has(key)))
    },
    async rotate() {
      requireAdmin()
      await beginOwnRotation(context)
    },
    keys: () => ({ generation: keyring.highestOwn(), due: keyring.isOwnDue(org.id), ...publishedAgain() }),
  }
  return { api, reconcilers: [joiningReconciler()] }

  /** Gives the org to a device whose code an admin has confirmed: the next roster, and once the relay has it, what the device needs. Each step is one save. */
  function joiningReconciler(): Reconciler<Row> {
    return {
      name: 'joining',
      subjects: () => rows.list('Invitation').values(),
      async react(row) {
        const join = textOf(row, 'join')
        if (join === undefined || !isOpen(row) || textOf(row, 'device') !== identity.device) return
        if (join === 'confirmed') await handOver(row).catch((error: unknown) => giveUp(context, row, error, finalCodes))
        else if (join === 'handed') await noticeArrival(row)
        else if (join === 'joined' && partKeysOf(row).every((key) => replica.acknowledged(feedOf(row), key)))
          await rows.save([{ object: 'Invitation', id: row.id, values: { state: 'done' } }])
      },
    }
  }

  async function handOver(row: Row): Promise<void> {
    const [joiner, joins, person, transcript] = [joinerOf(row), joinsOf(row), textOf(row, 'person'), textOf(row, 'transcript')]
    if (!joiner || !joins || person === undefined || transcript === undefined)
      throw new EngineError('INVALID', 'This invitation does not exist. Make a new one.')
    const added = { ...joiner, person, role: joins.role }
    await context.changeRoster((devices) => (devices.some(({ key }) => key === joiner.key) ? devices : [...devices, added]))
    const chain = await rosters.chain(org.id)
    const highest = chain.at(-1)
    // Until the relay has it, another admin's may take its place.
    if (!highest || replica.inbox(rosterFeedOf(org.id)).get(rosterKey(highest.number))?.body !== highest.token) return
    // One that was drawn before this roster is not sealed to the new device, which gets its secret from this one.
    if (await rotationOnItsWay(context)) return
    // The device holds to each roster since it is on one (rule RO7).
    const first = chain.findIndex(({ devices }) => [...devices.values()].some(({ key }) => key === joiner.key)) + 1
    const shown = [...pathOf(chain.slice(0, first)), ...chain.slice(first)]
    const head = {
      orgName: org.name,
      user: { id: person, name: joins.name, role: joins.role },
      founding: identity.founding,
      rosters: shown.map(({ token }) => token),
      keys: keyring.toShare(),
    }
    const sealed: string[] = []
    for (const [index, part] of partsOf(head, [...headRows(), ...firstRows(rows)]).entries())
      sealed.push(await sealPart(joiner.exchange, org.id, transcript, index, part))
    const welcome = await identity.signDecision('join', { connection: row.id, transcript, parts: sealed.map(hashOfPart) })
    const say = (key: string, body: string): RowEdit => ({
      object: 'Message',
      id: messageRowId(feedOf(row), parseKey(key)),
      values: { body },
    })
    await rows.save([
      ...sealed.map((body, index) => say(partKey(index), body)),
      say(welcomeKey, welcome),
      { object: 'Invitation', id: row.id, values: { join: 'handed', parts: sealed.length } },
    ])
  }

  /** The newest heads of the team's feeds, against which the new device holds what the relay brings it. */
  function headRows(): readonly Row[] {
    return (['rows', 'messages'] as const).flatMap((topic): Row[] => {
      const feed = teamFeed(org.id, topic)
      const head = newestHead(feed)
      if (!head) return []
      const stamp = [head.time, 0, 0] as const
      return [{ object: 'Head', id: feed, registers: { token: [stamp, head.token], time: [stamp, head.time] } }]
    })
  }

  /** The new device says in the team's rows that it is there. What was left for it is erased then. */
  async function noticeArrival(row: Row): Promise<void> {
    const key = joinerOf(row)?.key
    const device = [...(rosters.verified(org.id).at(-1)?.devices.values() ?? [])].find((each) => each.key === key)
    if (!device || !rows.get(deviceObject, device.id)) return
    const erased = partKeysOf(row).map((each) => ({ object: 'Message', id: messageRowId(feedOf(row), each), values: { body: '' } }))
    await rows.save([...erased, { object: 'Invitation', id: row.id, values: { join: 'joined' } }])
  }
}

/** No other try lets a device join after these. */
const finalCodes = ['NOT_ALLOWED', 'TOO_MANY', 'SIZE', 'INVALID'] as const

const feedOf = (row: Row): FeedName => mailboxFeed(parseMailboxId(row.id), 'vendor')

function partKeysOf(row: Row) {
  const count = valueOf(row, 'parts')
  return [welcomeKey, ...Array.from({ length: typeof count === 'number' ? Math.min(count, mostParts) : 0 }, (_, index) => partKey(index))]
}

/** The keys of the device that joins, as it has shown them. */
function joinerOf(row: Row): { readonly key: string; readonly exchange: string } | undefined {
  const joiner = valueOf(row, 'joiner')
  const [key, exchange] = isValueMap(joiner) ? [joiner['key'], joiner['exchange']] : []
  return typeof key === 'string' && typeof exchange === 'string' ? { key, exchange } : undefined
}

const statesOfJoin: Readonly<Record<string, DeviceInvitationState>> = {
  open: 'open',
  compare: 'compare',
  confirmed: 'joining',
  handed: 'joining',
  joined: 'joined',
}

function viewOf(row: Row, { org, identity }: EngineContext, now: number): DeviceInvitationView {
  const [secret = '', base = '', kept = '', join = '', transcript] = ['secret', 'base', 'state', 'join', 'transcript'].map((field) =>
    textOf(row, field),
  )
  const [joins, expires] = [joinsOf(row), valueOf(row, 'expires')]
  const isLate = isExpired(row, now) && (join === 'open' || join === 'compare')
  const over = valueOf(row, 'cancelled') === true ? 'cancelled' : kept === 'done' ? undefined : isLate ? 'expired' : kept
  const goesOn = kept === 'done' || over === 'open' || over === 'claimed'
  const state = goesOn ? (statesOfJoin[join] ?? 'over') : 'over'
  const words = over !== undefined && Object.hasOwn(invitationProblems, over) ? `${invitationProblems[over]} Make a new one.` : undefined
  return {
    id: parseMailboxId(row.id),
    state,
    personName: joins?.name ?? '',
    role: joins?.role ?? roles[1],
    link: state === 'open' && kept === 'open' ? formatLink(base, { secret, vendor: org.id, vendorName: org.name }, 'device') : undefined,
    expiresAt: typeof expires === 'number' ? expires : 0,
    deviceName: textOf(row, 'peerName'),
    code: state === 'compare' && transcript !== undefined ? codeOf(transcript) : undefined,
    own: textOf(row, 'device') === identity.device,
    problem: textOf(row, 'problem') ?? words,
  }
}
