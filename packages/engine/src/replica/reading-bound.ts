import type { Entry, Key } from '@entente/protocol'
import { type Row, valueOf } from '../row/row.js'
import type { InboxMessage } from './replica-state.js'

/**
 * What a device keeps of a peer's messages (rule IS4). Before an admin of the own org has compared the codes the peer is a stranger, who has its people, its
 * proposal and its policy to say. Afterwards a listing for each shared record, and the messages of exports.
 */
const bounds = {
  before: { messages: 64, bytes: 256 * 1024 },
  after: { messages: 100_000, bytes: Number.POSITIVE_INFINITY },
} as const

type Stage = keyof typeof bounds

const stageOf = (connection: Row | undefined): Stage => (valueOf(connection, 'verified') === 'yes' ? 'after' : 'before')

/** Whether reading from the peer of a connection pauses. A comparison of the codes ends the pause of a stranger. */
export function isPaused(connection: Row | undefined): boolean {
  return valueOf(connection, 'paused') === stageOf(connection)
}

/**
 * The stage whose bound a peer's messages would exceed with these entries; undefined where they are within it.
 *
 * @param held how many keys hold what cannot be read yet
 */
export function exceededBy(
  connection: Row | undefined,
  inbox: ReadonlyMap<Key, InboxMessage>,
  held: number,
  entries: readonly Entry[],
): Stage | undefined {
  const stage = stageOf(connection)
  const { messages, bytes } = bounds[stage]
  const fresh = new Set(entries.filter(({ kind, key }) => kind !== 'erased' && kind !== 'head' && !inbox.has(key)).map(({ key }) => key))
  if (inbox.size + held + fresh.size > messages) return stage
  if (bytes === Number.POSITIVE_INFINITY) return undefined
  let sum = 0
  for (const [key, { body }] of inbox) if (!entries.some((entry) => entry.key === key)) sum += JSON.stringify(body).length
  const latest = new Map(entries.map((entry) => [entry.key, entry.bytes.length]))
  for (const length of latest.values()) sum += length
  return sum > bytes ? stage : undefined
}
