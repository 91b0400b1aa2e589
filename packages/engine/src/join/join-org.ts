import { limits, mailboxIdOf, type MailboxId, parseKey, parseMailboxId, parseOrgId, type Role } from '@entente/protocol'
import { decodeJwt } from 'jose'
import * as v from 'valibot'
import { parseLink } from '../connect/invitation-link.js'
import { commitKey, isOpen, joinsOf, textsOf } from '../connect/handshake-reconciler.js'
import { invitationProblems } from '../connect/connections.js'
import { codeOf, commitTo, makeReveal } from '../connect/reveal.js'
import { type Assembly, assemble, type OpenEngineOptions } from '../engine.js'
import { EngineError, toEngineError } from '../error.js'
import { type DeviceLookup, verifyDecision } from '../identity/decision.js'
import { createIdentity, emptied, identityKey, loadIdentity, type StoredIdentity } from '../identity/identity.js'
import { beyond, readPath } from '../identity/roster.js'
import { checkedName } from '../name.js'
import { nextTurn } from '../port/clock.js'
import type { Store } from '../port/store.js'
import { textOf } from '../replica/feed-role.js'
import { mailboxFeed, messageRowId } from '../replica/index.js'
import type { Row } from '../row/row.js'
import { mailboxId } from '../seal/index.js'
import { claimHash, mailboxClaim } from '../seal/keys.js'
import { partKey, welcomeKey } from '../devices/devices.js'
import { writesOfOrg } from './become.js'
import { hashOfPart, mostParts, openParts, type OrgPackage } from '../devices/join-package.js'

/** What a device needs to join an org, and the link that invites it. */
export interface JoinOrgOptions extends Omit<OpenEngineOptions, 'create' | 'deviceName'> {
  /** The link, the first time. After a reload the device goes on without it. */
  readonly link?: string
  /** What this device calls itself, such as "Firefox on Linux". The admin sees it beside the code. */
  readonly deviceName: string
}

/** How far a device has come. `over`: `problem` says why, and `stop` empties the store. */
export interface JoiningStatus {
  readonly state: 'waiting' | 'compare' | 'joined' | 'over'
  /** What the inviting org calls itself: by the link, then as an admin's device signed it. Nobody has proven it before the codes are compared. */
  readonly orgName: string | undefined
  /** As whom the device joins; undefined until the admin's device has answered. */
  readonly personName: string | undefined
  readonly role: Role | undefined
  /** The code to compare, as "1234 5678 9012" (rule CN4). */
  readonly code: string | undefined
  /** Whether the line to the relay is up. */
  readonly online: boolean
  readonly problem: string | undefined
}

/** A device that is joining an org. */
export interface Joining {
  status(): JoiningStatus
  /** Calls back after each change. @returns a function that ends it */
  watch(listener: () => void): () => void
  /** Gives up: the store is empty then, and closed. @throws EngineError STORE */
  stop(): Promise<void>
  /** Closes the store. Once the state is `joined`, `openEngine` opens the org. Before, the device goes on where it stood when it is opened again. */
  close(): Promise<void>
}

/**
 * Joins an org, in a store that holds none. The device makes a throw-away org, which shows its keys in the link's mailbox. Once an admin has confirmed that both show
 * one code, the admin's device gives it the org, and what it has takes the place of the throw-away org in one transaction (rules JN1 to JN5).
 *
 * @returns undefined without a link where none was begun
 * @throws EngineError LINK for a text that is no link of this kind; NOT_ALLOWED where the store holds an org, or another org is being joined in it; STORE if the store refuses
 */
export async function joinOrg(options: JoinOrgOptions): Promise<Joining | undefined> {
  try {
    return await begin(options)
  } catch (error) {
    throw toEngineError(error, 'joinOrg')
  }
}

async function begin(options: JoinOrgOptions): Promise<Joining | undefined> {
  const { store, clock, random, link: text, deviceName } = options
  const link = text === undefined ? undefined : parseLink(text, 'device')
  if (await loadIdentity(store, clock))
    throw new EngineError('NOT_ALLOWED', 'This browser has an org already. Open the link in one that has none, or under another name.')
  const begun = await loadIdentity(store, clock, true)
  if (!begun && !link) return undefined
  const names = { orgName: checkedName(deviceName, 'The name of a device'), userName: 'New device' }
  const identity = begun ?? (await createIdentity({ ...names, store, clock, random, isJoining: true }))
  const assembly = await assemble({ ...options, store: keptOpen(store) }, identity)
  try {
    const id = await invitationOf(assembly, link)
    return new JoiningDevice(options, assembly, id)
  } catch (error) {
    await assembly.engine.close()
    throw error
  }
}

/** Takes the link, unless that has been done. Another link of the same org takes the place of the one before. @throws EngineError NOT_ALLOWED while another org is being joined */
async function invitationOf({ context }: Assembly, link: ReturnType<typeof parseLink> | undefined): Promise<MailboxId> {
  const { rows, identity } = context
  const present = [...rows.list('Invitation').values()].at(-1)
  const id = link ? mailboxId(link.secret) : parseMailboxId(present?.id ?? mailboxIdOf(claimHash(mailboxClaim(''))))
  if (!link || rows.get('Invitation', id)) return id
  // Whichever of two orgs were first would have the store, and the person could not choose.
  if (isOpen(present) && textOf(present, 'vendor') !== link.vendor) {
    const org = textOf(present, 'peerName') ?? textOf(present, 'vendorName') ?? 'another org'
    throw new EngineError('NOT_ALLOWED', `This browser is joining ${org} here. Open the link under another name, or give the other one up.`)
  }
  const joins = { name: 'New device', role: 'member' } as const
  const { exchangeKey, jws, rosters: shown } = await makeReveal(context, id, joins)
  const values = {
    side: 'partner',
    join: 'open',
    state: 'open',
    secret: link.secret,
    vendor: link.vendor,
    ...(link.vendorName !== undefined && { vendorName: link.vendorName }),
    device: identity.device,
    exchangeKey,
    reveal: jws,
    rosters: [...shown],
    ...(context.link.status().state === 'online' && { expires: context.clock.now() + limits.invitationMs }),
  }
  const commit = { object: 'Message', id: messageRowId(mailboxFeed(id, 'partner'), commitKey), values: { body: commitTo(jws) } }
  await rows.save([{ object: 'Invitation', id, values }, commit], { holds: (stored) => stored.get('Invitation', id) === undefined })
  return id
}

/** What the message `join` says beside its parts (rule JN3). */
export const joinTerms = v.looseObject({
  transcript: v.string(),
  parts: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(mostParts)),
})

/** Tells the other tabs that the store holds the org now. */
const joinedMessage = { type: 'joined' } as const

class JoiningDevice implements Joining {
  readonly #options: JoinOrgOptions
  readonly #assembly: Assembly
  readonly #id: MailboxId
  readonly #listeners = new Set<() => void>()
  readonly #ends: readonly (() => void)[]
  #isJoined = false
  #isTaking = false

  constructor(options: JoinOrgOptions, assembly: Assembly, id: MailboxId) {
    this.#options = options
    this.#assembly = assembly
    this.#id = id
    const { rows, replica, link } = assembly.context
    const look = (): void => this.#look()
    this.#ends = [
      rows.watch(look),
      replica.watchFeeds(look),
      link.watch(look),
      options.tabs.listen((message) => {
        if (typeof message === 'object' && message !== null && 'type' in message && message.type === joinedMessage.type) this.#joined()
      }),
    ]
    look()
  }

  status(): JoiningStatus {
    const { rows, link } = this.#assembly.context
    const row = rows.get('Invitation', this.#id)
    const [transcript, kept = ''] = [textOf(row, 'transcript'), textOf(row, 'state')]
    const joins = joinsOf(row)
    const goesOn = isOpen(row)
    const why =
      kept === 'taken'
        ? 'This invitation was used already.'
        : Object.hasOwn(invitationProblems, kept)
          ? invitationProblems[kept]
          : undefined
    const words = why === undefined ? undefined : `${why} Ask for a new one.`
    return {
      state: this.#isJoined ? 'joined' : !goesOn ? 'over' : transcript === undefined ? 'waiting' : 'compare',
      orgName: textOf(row, 'peerName') ?? textOf(row, 'vendorName'),
      personName: joins?.name,
      role: joins?.role,
      code: transcript === undefined ? undefined : codeOf(transcript),
      online: link.status().state === 'online',
      problem: this.#isJoined || goesOn ? undefined : (textOf(row, 'problem') ?? words),
    }
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    await this.#end()
    if (!this.#isJoined)
      await this.#options.store.update([], () => ({
        writes: [...emptied, { delete: identityKey }],
        result: undefined,
      }))
    await this.#options.store.close()
  }

  async close(): Promise<void> {
    await this.#end()
    await this.#options.store.close()
  }

  async #end(): Promise<void> {
    for (const end of this.#ends) end()
    await this.#assembly.engine.close()
  }

  #look(): void {
    for (const listener of this.#listeners) listener()
    const { rows, link, problem } = this.#assembly.context
    const row = rows.get('Invitation', this.#id)
    if (this.#isJoined || this.#isTaking || !row || !isOpen(row) || textOf(row, 'transcript') === undefined || !link.status().leader) return
    this.#isTaking = true
    this.#take(row)
      .catch((error: unknown) => problem(error instanceof Error ? error.message : 'The org could not be taken over.'))
      .finally(() => (this.#isTaking = false))
  }

  /** Takes the org over, once all of it is there. */
  async #take(row: Row): Promise<void> {
    const { replica, rows } = this.#assembly.context
    const inbox = replica.inbox(mailboxFeed(this.#id, 'vendor'))
    const welcome = inbox.get(parseKey(welcomeKey))?.body
    if (typeof welcome !== 'string') return
    const parts: string[] = []
    for (let index = 0; index < mostParts; index++) {
      const part = inbox.get(partKey(index))?.body
      if (typeof part === 'string') parts.push(part)
    }
    const found = await this.#read(row, welcome, parts)
    if (found === 'incomplete') return
    if (!found) {
      const problem = 'What the admin’s device sent is not what it signed. Ask for a new invitation.'
      await rows.save([{ object: 'Invitation', id: this.#id, values: { state: 'wrong', problem } }])
      return
    }
    await this.#become(found)
  }

  async #read(row: Row, welcome: string, parts: readonly string[]): Promise<OrgPackage | 'incomplete' | undefined> {
    const { identity, clock } = this.#assembly.context
    const [org, transcript] = [parseOrgId(textOf(row, 'vendor') ?? ''), textOf(row, 'transcript') ?? '']
    const shown = (await readPath(textsOf(row, 'peerRosters'), org))?.at(-1)
    const devices: DeviceLookup = { device: async (_, id) => shown?.devices.get(id) }
    const verified = await verifyDecision(welcome, 'join', devices, { org, connection: this.#id, role: 'admin' })
    const claims = v.safeParse(joinTerms, verified.ok ? decodeJwt(welcome) : undefined)
    if (!claims.success || claims.output.transcript !== transcript) return undefined
    const hashes = parts.map(hashOfPart)
    if (claims.output.parts.length > hashes.length) return 'incomplete'
    if (claims.output.parts.some((hash, index) => hash !== hashes[index])) return undefined
    const [stored] = (await this.#options.store.get([identityKey])) as readonly [StoredIdentity]
    const found = await openParts(stored.exchange, org, transcript, parts, () => nextTurn(clock))
    const path = found && (await readPath(found.rosters, org))
    const highest = path && beyond(path, shown)?.at(-1)
    const listed = highest?.devices.get(identity.device)
    const isOurs = listed?.person === found?.user.id && listed?.role === found?.user.role && listed?.exchange === stored.exchange.public
    return listed && isOurs ? found : undefined
  }

  /** One transaction: the device is a throw-away org's before it, and the org's after it. */
  async #become(found: OrgPackage): Promise<void> {
    const { store, tabs } = this.#options
    const { reconcilers, context } = this.#assembly
    const org = parseOrgId(textOf(context.rows.get('Invitation', this.#id), 'vendor') ?? '')
    const [before] = (await store.get([identityKey])) as readonly [StoredIdentity]
    const writes = await writesOfOrg(org, before, found)
    reconcilers.stop()
    context.link.stop()
    await store.update([identityKey], ([present]) => {
      // Another tab may have been faster.
      const isJoining = (present as StoredIdentity).isJoining === true
      return { writes: isJoining ? [...emptied, ...writes] : [], result: undefined }
    })
    tabs.tell(joinedMessage)
    this.#joined()
  }

  #joined(): void {
    this.#isJoined = true
    for (const listener of this.#listeners) listener()
  }
}

/** A store that stays open when the throw-away org closes: what comes after needs it. */
function keptOpen(store: Store): Store {
  return {
    update: (reads, change) => store.update(reads, change),
    get: (keys) => store.get(keys),
    scan: (prefix, options) => store.scan(prefix, options),
    close: () => Promise.resolve(),
  }
}

/** Reads who invites a device, before anything is done. @throws EngineError LINK for a text that is no link of this kind */
export function readJoinLink(link: string): { readonly org: string; readonly orgName: string | undefined } {
  const { vendor, vendorName } = parseLink(link, 'device')
  return { org: vendor, orgName: vendorName }
}
