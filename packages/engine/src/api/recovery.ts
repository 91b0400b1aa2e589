import type { OrgId } from '@entente/protocol'
import type { ObjectName } from './records.js'

/**
 * The recovery kit: a file and a passphrase from which the org is remade when all its devices are gone. Until an admin has saved one outside this browser, whoever
 * clears the browser's data, or runs a script in the page once, has the org's root key to lose or to take. Afterwards that key is in the kit alone.
 *
 * @example
 * ```ts
 * const { file, passphrase } = await vendor.recovery.makeKit()
 * // Offer the file as a download, and show the passphrase once. Then let the person bring both back.
 * await vendor.recovery.confirmKit(file, passphrase)
 * console.log(vendor.recovery.status().kit) // saved
 * ```
 */
export interface RecoveryApi {
  /**
   * Whether the kit was saved. `savedAt`: milliseconds since 1970, by this device's clock. `age`: `open` on a restored device while nothing says whether what was restored
   * is the org's latest state: it publishes to no connection until a head fits, or `confirmAge` was called.
   */
  status(): { readonly kit: 'missing' | 'saved'; readonly savedAt: number | undefined; readonly age: 'known' | 'open' }

  /**
   * Makes a kit, as an admin. Each has a passphrase of its own, and all open the same org. It takes about half a second.
   *
   * @returns the file's content and the passphrase, which are kept nowhere
   * @throws EngineError NOT_ALLOWED for a member, or once a kit was saved: the root key has left this device
   */
  makeKit(): Promise<{ readonly file: string; readonly passphrase: string }>

  /**
   * Takes the root key off this device, as an admin who shows that the kit was saved and opens. Where no relay has seen the org yet, the key goes with the first
   * session: the org's first roster is signed once more then, by the relay's clock.
   *
   * @param file the content of the file that was saved
   * @param passphrase as a person types it: case, spaces and dashes do not matter
   * @throws EngineError NOT_ALLOWED for a member; INVALID for a file that is no kit, a passphrase that does not open it, or the kit of another org
   */
  confirmKit(file: string, passphrase: string): Promise<void>

  /**
   * Restores the org from the kit and the relay into a store that is thrown away, and says what was found. It changes nothing: not here, not at the relay, and no peer
   * hears of it.
   *
   * @param file the content of the file that was saved
   * @param passphrase as a person types it
   * @throws EngineError INVALID for a file that is no kit, a passphrase that does not open it, or the kit of another org; NOT_FOUND where the relay has nothing that it
   *   opens; OFFLINE where the relay stays away
   */
  tryKit(file: string, passphrase: string): Promise<FoundOrg>

  /**
   * Makes a backup: one file with all rows of the org and its keys, sealed to the recovery kit that was saved. It takes a second for some ten thousand records, a piece at a time.
   * What is saved meanwhile may be in it or not.
   *
   * @returns the file's bytes, in parts that follow each other
   * @throws EngineError NOT_ALLOWED for a member, before a kit was saved, or while the age of what was restored is open
   */
  backup(): Promise<readonly Uint8Array[]>

  /**
   * Goes on with connections after a restoration, as an admin who finds that nothing newer than what is shown here is missing.
   *
   * @throws EngineError NOT_ALLOWED for a member
   */
  confirmAge(): Promise<void>
}

/** What of an org was found with its kit. */
export interface FoundOrg {
  readonly org: { readonly id: OrgId; readonly name: string }
  /** When the kit was made, in milliseconds since 1970, by the device that made it. */
  readonly made: number
  /** How many records there are. Deleted ones do not count. */
  readonly records: Readonly<Record<ObjectName, number>>
  /** How many connections are in force. */
  readonly connections: number
  /** Those who have a device on the org's roster. The name is empty where none was found. */
  readonly people: readonly { readonly id: string; readonly name: string; readonly role: 'admin' | 'member' | 'agent' }[]
  /** How many devices are on the roster. */
  readonly devices: number
  /** When a record was last edited, in milliseconds since 1970. Undefined where there is none. */
  readonly newestEdit: number | undefined
  /** When one of the org's devices signed just this state, in milliseconds since 1970. Undefined where nobody did: then look at the newest edit. */
  readonly signedAt: number | undefined
}

/** Brings an org back in an empty store: see `OpenEngineOptions`. */
export interface RestoreOptions {
  /** The content of the kit's file. */
  readonly file: string
  /** The kit's passphrase, as a person types it. */
  readonly passphrase: string
  /** A backup of the org, made since the kit was saved. It is read first, and then what the relay has; of each field the later edit counts. With it the relay may stay away. */
  readonly backup?: BackupFile
  /**
   * Is shown what was found, and decides.
   *
   * @throws EngineError of any code: `openEngine` rejects with it, and nothing is restored
   */
  decide(found: FoundOrg): RestoreDecision | Promise<RestoreDecision>
  /** Hears how many entries have come from the relay. */
  onProgress?(entries: number): void
}

/** The bytes of a backup. A `Blob` is one. */
export interface BackupFile {
  /** In bytes. */
  readonly size: number
  /** The bytes from `start` up to `end`, or to the end of the file. */
  slice(start: number, end: number): BackupBytes
}

/** A part of a backup. A `Blob` is one. */
export interface BackupBytes {
  /** @throws EngineError of any code: the restoration rejects with it */
  arrayBuffer(): Promise<ArrayBuffer>
}

export interface RestoreDecision {
  /** Who is at this device: an admin of the org, by the id that was found. Default: the first one. */
  readonly person?: string
  /** Whether this device is the org's only one from now on, because the others are gone. Default false: they stay. */
  readonly alone?: boolean
}
