import type { RecoveryApi } from '../api/index.js'
import type { Age } from './age.js'
import type { Store } from '../port/store.js'
import { makeBackup } from './backup.js'
import { foundOrg } from './found-org.js'
import { type ReadTeamOptions, readTeam } from './read-team.js'
import { throwAwayStore } from './throw-away-store.js'
import { EngineError } from '../error.js'
import type { Clock } from '../port/clock.js'
import type { RandomBytes } from '../port/random.js'
import { valueOf } from '../row/row.js'
import type { Rows } from '../row/rows.js'
import type { Identity } from '../identity/identity.js'
import { exchangeKeyOf } from '../identity/keys.js'
import { openKit, sealKit } from '../identity/recovery-kit.js'
import { kitKey, kitRow, kitSavedAt } from '../identity/saved-kit.js'

export interface RecoveryParts {
  readonly rows: Rows
  readonly identity: Identity
  readonly clock: Clock
  readonly random: RandomBytes
}

/** The recovery kit of this org. @param ports by which the relay is asked for what the kit brings back */
export function createRecovery(
  { rows, identity, clock, random }: RecoveryParts,
  age: Age,
  store: Store,
  ports: Omit<ReadTeamOptions, 'kit' | 'store'>,
): RecoveryApi {
  const requireAdmin = (): void => {
    if (identity.user.role !== 'admin')
      throw new EngineError('NOT_ALLOWED', 'Only an admin makes the recovery kit. Ask an admin of your org.')
  }

  const requireOwn = (org: string): void => {
    if (org !== identity.org.id) throw new EngineError('INVALID', otherOrg)
  }

  return {
    status() {
      const savedAt = kitSavedAt(rows)
      return { kit: savedAt === undefined ? 'missing' : 'saved', savedAt, age: age.isOpen ? 'open' : 'known' }
    },
    async makeKit() {
      requireAdmin()
      const secrets = await identity.rootSecrets()
      const team = valueOf(rows.get('Key', 'team'), 'secret')
      if (!secrets || typeof team !== 'string')
        throw new EngineError(
          'NOT_ALLOWED',
          'The root key is not on this device. Use the file that was saved, or make the kit on the device that made the org.',
        )
      return sealKit(identity.org, { ...secrets, team }, clock.now(), random)
    },
    async confirmKit(file, passphrase) {
      requireAdmin()
      const { org, root, recovery } = await openKit(file, passphrase)
      requireOwn(org)
      const [present, key] = [await identity.rootSecrets(), (await exchangeKeyOf(recovery)).public]
      // Anyone can seal a file that names this org. Only one that holds what is here, or was confirmed before, is its kit.
      const isHeld = present ? present.root === root && present.recovery === recovery : kitKey(rows) === key
      if (!isHeld) throw new EngineError('INVALID', otherOrg)
      await rows.save([{ ...kitRow, values: { savedAt: clock.now(), key } }])
      await identity.letRootGo()
    },
    async tryKit(file, passphrase) {
      const kit = await openKit(file, passphrase)
      requireOwn(kit.org)
      const thrownAway = throwAwayStore()
      const read = await readTeam({ ...ports, kit, store: thrownAway })
      try {
        return foundOrg(kit, { ...read, rows: read.replica.rows })
      } finally {
        read.close()
        await thrownAway.close()
      }
    },
    async backup() {
      if (identity.user.role !== 'admin') throw new EngineError('NOT_ALLOWED', 'Only an admin saves a backup. Ask an admin of your org.')
      const key = kitKey(rows)
      // Before the age is known nothing is signed anew that a device decided which was shut out.
      if (key === undefined || age.isOpen)
        throw new EngineError('NOT_ALLOWED', 'A backup is made once the recovery kit was saved and the state is known to be the latest.')
      return makeBackup(identity.org, key, { rows, clock, random })
    },
    async confirmAge() {
      if (identity.user.role !== 'admin')
        throw new EngineError('NOT_ALLOWED', 'Only an admin says that what was restored is new enough. Ask an admin of your org.')
      await age.confirm()
    },
  }
}

const otherOrg = 'This is the recovery kit of another org. Choose the file that was saved for this one.'
