import { limits, type OrgId, type Roster } from '@entente/protocol'
import type { FoundOrg, RestoreDecision, RestoreOptions } from '../api/index.js'
import { EngineError } from '../error.js'
import { emptied, identityKey, restoredIdentity, type StoredIdentity } from '../identity/identity.js'
import { createExchangeKey, createKeyPair, type KeyPair } from '../identity/keys.js'
import { type OpenedKit, openKit } from '../identity/recovery-kit.js'
import { signRoster } from '../identity/roster.js'
import { rosterEdit } from '../identity/rosters.js'
import { rootKeyOf } from '../identity/root-key.js'
import type { Store, Write } from '../port/store.js'
import { rowKey } from '../row/stored-row.js'
import { readBackup } from './backup.js'
import { foundOrg } from './found-org.js'
import { type ReadTeamOptions, readTeam } from './read-team.js'
import { unconfirmedKey } from './age.js'

/**
 * The root's roster stands so far above the highest one that the relay has: peers may have seen a later one than a relay that came back from a backup (rule RK4). Two
 * million recoveries fit.
 */
const rosterStep = 1_000

type RestorePorts = Omit<ReadTeamOptions, 'kit' | 'onProgress'>

/**
 * Remakes an org in an empty store, from its recovery kit and what the relay has of its team: this device gets keys of its own, and the org's root key signs a roster on
 * which it is (rules RK4 and RK5). The root key stays in the kit.
 *
 * @throws EngineError NOT_ALLOWED for a store that has an org; INVALID for a file that is no kit, a passphrase that does not open it, or a person who is none of the org's
 *   admins; NOT_FOUND and OFFLINE as `readTeam`; and what `decide` rejects with. The store is empty then
 */
export async function restoreOrg({ file, passphrase, ...options }: RestoreOptions, ports: RestorePorts): Promise<void> {
  await restoreByKit(await openKit(file, passphrase), options, ports)
}

/** Remakes an org as `restoreOrg` does, by a kit that is open. @throws EngineError as `restoreOrg` */
export async function restoreByKit(
  kit: OpenedKit,
  { backup, decide, onProgress }: Omit<RestoreOptions, 'file' | 'passphrase'>,
  ports: RestorePorts,
): Promise<void> {
  const { store, random, clock } = ports
  await empty(store, kit.org)
  try {
    const unjudged = backup && (await readBackup(backup, kit, store, clock))
    const read = await readTeam({ ...ports, kit, unjudged, onProgress })
    try {
      const found = foundOrg(kit, { ...read, rows: read.replica.rows })
      const { person, alone } = checked(found, await decide(found))
      const device = await createKeyPair()
      const exchange = await createExchangeKey(random)
      const listed = { key: device.publicJwk.x, exchange: exchange.public, person: person.id, role: 'admin' as const }
      const founding = await signRecovery(kit.org, read.rosters, { root: await rootKeyOf(kit), listed, alone, now: read.now })
      await read.replica.rows.save([rosterEdit(founding)])
      const user = { id: person.id, name: person.name, role: 'admin' as const }
      const identity = restoredIdentity(
        { org: kit.org, orgName: kit.name, rootKey: (await rootKeyOf(kit)).publicJwk, user, device, exchange },
        founding.token,
      )
      await keep(store, identity, found.signedAt === undefined)
    } finally {
      read.close()
    }
  } catch (error) {
    await empty(store, kit.org)
    throw error
  }
}

/** @throws EngineError NOT_ALLOWED for a store that has an org */
function empty(store: Store, org: OrgId): Promise<void> {
  return store.update([identityKey, rowKey('Key', 'team')], ([present, key]) => {
    const identity = present as StoredIdentity | undefined
    // A device that only began to join an org has nothing yet, and one whose store lost its rows has this org's keys alone.
    const isNothing = identity === undefined || identity.isJoining === true || (identity.root.thumbprint === org && key === undefined)
    if (!isNothing)
      throw new EngineError(
        'NOT_ALLOWED',
        'This browser has an org here already, and nothing was changed. Restore under another name, or in another browser.',
      )
    return { writes: [...emptied, { delete: identityKey }], result: undefined }
  })
}

async function keep(store: Store, identity: StoredIdentity, isUnconfirmed: boolean): Promise<void> {
  const more: readonly Write[] = isUnconfirmed ? [{ put: unconfirmedKey, value: true }] : []
  await store.update([identityKey], ([present]) => {
    if (present !== undefined) throw new EngineError('CHANGED', 'Another tab has made or restored an org here meanwhile. Reload the page.')
    return { writes: [{ put: identityKey, value: identity }, ...more], result: undefined }
  })
}

function checked(
  found: FoundOrg,
  { person, alone = false }: RestoreDecision,
): { readonly person: FoundOrg['people'][number]; readonly alone: boolean } {
  const admins = found.people.filter(({ role }) => role === 'admin')
  const chosen = person === undefined ? admins[0] : admins.find(({ id }) => id === person)
  if (!chosen)
    throw new EngineError('INVALID', 'The person at a restored device is one of the org’s admins. Choose one of those that were found.')
  return { person: chosen, alone }
}

interface Recovery {
  readonly root: KeyPair
  readonly listed: { readonly key: string; readonly exchange: string; readonly person: string; readonly role: 'admin' }
  /** Whether this device is the only one from now on. */
  readonly alone: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The roster that the root key signs, high above the highest one known. */
async function signRecovery(
  org: OrgId,
  rosters: readonly Roster[],
  { root, listed, alone, now }: Recovery,
): Promise<Pick<Roster, 'org' | 'number' | 'token'>> {
  const highest = rosters.at(-1)
  if (!highest) throw new EngineError('NOT_FOUND', 'No roster of this org was found.')
  const others = alone ? [] : [...highest.devices.values()].map(({ key, exchange, person, role }) => ({ key, exchange, person, role }))
  const number = highest.number + rosterStep
  // A full roster has room for this device all the same: the one that is on it longest goes.
  const devices = [...others.slice(Math.max(0, others.length + 1 - limits.devicesPerOrg)), listed]
  const claims = { org, number, previous: highest.hash, time: Math.max(0, Math.floor(now)), devices }
  return { org, number, token: await signRoster(claims, { root }) }
}
