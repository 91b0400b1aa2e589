import { type FeedName, type Key, otherSide, parsedText, parseKey } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import * as v from 'valibot'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import { type ConnectionTopic, connectionFeed, connectionTopics } from '../replica/feed-role.js'
import { bucketCount } from '../replica/leaf-tree.js'
import type { Reconciler } from '../reconcilers.js'
import { registerOf, valueOf } from '../row/row.js'
import { instant } from '../schema/numbers.js'
import type { Value } from '../schema/value.js'
import type { FreshnessTable } from './freshness.js'
import type { EngineContext } from '../context.js'
import { againMs } from './judge.js'

// What a reader and the owner of a feed tell each other, once the reader holds something else than the owner signed (rule HD8). Three messages, one key each and topic:
// the reader's hashes of the buckets, the owner's leaves in those that differ, and the keys that the reader found. Then the owner publishes these anew.

/** The first bytes of a hash are enough to find what differs. Nothing is believed on their account. */
const bucketBytes = 6
const leafBytes = 12
/** The leaves of one message, so that it fits into one value; and the keys that are repaired at once. */
const mostLeaves = 1_000
const mostKeys = 200
/** The pause between two answers about one feed, in ms: a peer that asks all the time must not keep this org busy. */
const answerMs = 60_000
/** The pause before the owner publishes keys of one feed anew again, in ms. */
const repairMs = 60 * 60_000

export const heldKey = (topic: ConnectionTopic): Key => parseKey(`held.${topic}`)
export const leavesKey = (topic: ConnectionTopic): Key => parseKey(`leaves.${topic}`)

const key = parsedText(parseKey)
const keyList = v.pipe(v.array(key), v.maxLength(mostKeys))
export const heldBody = v.union([
  v.object({ time: instant, buckets: v.pipe(v.string(), v.length((bucketCount * bucketBytes * 4) / 3), v.regex(/^[\w-]*$/)) }),
  v.object({ time: instant, keys: keyList, closed: v.optional(keyList, []) }),
])
export const leavesBody = v.object({
  time: instant,
  buckets: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(bucketCount - 1))), v.maxLength(bucketCount)),
  leaves: v.pipe(v.array(v.tuple([key, v.string()])), v.maxLength(mostLeaves)),
})

/** Finds the keys of peers' feeds that differ, answers what a peer asks of the own ones, and publishes anew what it found there. */
export function differenceReconciler(context: EngineContext, freshness: FreshnessTable): Reconciler<ConnectionFacts> {
  const { rows, replica, clock, link } = context
  /** When the keys of each own feed were last published anew, and when each peer’s feed was last asked about. */
  const repaired = new Map<FeedName, number>()
  const asked = new Map<FeedName, number>()
  /** When the peer was last told the leaves of each own feed. */
  const answered = new Map<FeedName, number>()

  return {
    name: 'differences',
    subjects: () => enabledConnections(rows),
    async react(connection) {
      for (const topic of connectionTopics) {
        await ask(connection, topic)
        await answer(connection, topic)
      }
    },
  }

  async function ask(connection: ConnectionFacts, topic: ConnectionTopic): Promise<void> {
    const feed = connectionFeed(connection.id, otherSide(connection.side), topic)
    const { trouble, newest } = freshness.get(feed)
    const own = bodyOf(rows.get('Message', messageId(connection.ownMessages, heldKey(topic))))
    if (trouble?.kind !== 'differs' || !newest)
      return own === null || isAnothers(connection, topic, feed) ? undefined : tell(connection, heldKey(topic), null)
    const sent = v.safeParse(heldBody, own)
    const leaves = v.safeParse(leavesBody, replica.inbox(connection.peerMessages).get(leavesKey(topic))?.body ?? null, { abortEarly: true })
    if (sent.success && 'buckets' in sent.output && leaves.success && leaves.output.time === sent.output.time) {
      const keys = differing(feed, leaves.output)
      await freshness.change(feed, { trouble: { ...trouble, keys } })
      const docs = replica.peerDocs(feed)
      const closed = keys.filter((each) => (docs.get(each)?.unreadable.length ?? 0) > 0)
      return tell(connection, heldKey(topic), { time: sent.output.time, keys, closed })
    }
    // Also where a colleague whose copy fits has taken the question back: two devices must not go on so at the pace of the line.
    if (clock.now() - (asked.get(feed) ?? Number.NEGATIVE_INFINITY) < againMs) return
    asked.set(feed, clock.now())
    await tell(connection, heldKey(topic), { time: newest.time, buckets: toBase64UrlEncoded(shortened(replica.heads.bucketHashes(feed))) })
  }

  /** Whether another device of the org asked of late. Its copy may differ where this one's fits, so the question is left to it for a while. */
  function isAnothers(connection: ConnectionFacts, topic: ConnectionTopic, feed: FeedName): boolean {
    const stamp = registerOf(rows.get('Message', messageId(connection.ownMessages, heldKey(topic))), 'body')?.[0]
    return !asked.has(feed) && stamp !== undefined && clock.now() + link.clockOffset - stamp[0] < againMs
  }

  function differing(feed: FeedName, { buckets, leaves }: v.InferOutput<typeof leavesBody>): readonly Key[] {
    const theirs = new Map(leaves)
    const found: Key[] = []
    for (const bucket of buckets)
      for (const [held, leaf] of replica.heads.leavesIn(feed, bucket)) {
        if (theirs.get(held) !== shortLeaf(leaf)) found.push(held)
        theirs.delete(held)
      }
    return [...found, ...theirs.keys()].slice(0, mostKeys)
  }

  async function answer(connection: ConnectionFacts, topic: ConnectionTopic): Promise<void> {
    const feed = connectionFeed(connection.id, connection.side, topic)
    const own = bodyOf(rows.get('Message', messageId(connection.ownMessages, leavesKey(topic))))
    const held = v.safeParse(heldBody, replica.inbox(connection.peerMessages).get(heldKey(topic))?.body ?? null, { abortEarly: true })
    if (!held.success) return own === null ? undefined : tell(connection, leavesKey(topic), null)
    if ('keys' in held.output) return repair(feed, held.output.keys)
    const { time, buckets: theirs } = held.output
    const told = v.safeParse(leavesBody, own)
    if (told.success && told.output.time === time) return
    if (clock.now() - (answered.get(feed) ?? 0) < answerMs) return
    answered.set(feed, clock.now())
    const [mine, other] = [shortened(replica.heads.bucketHashes(feed)), fromBase64UrlEncoded(theirs)]
    const buckets: number[] = []
    const leaves: (readonly [Key, string])[] = []
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const at = bucket * bucketBytes
      if (mine.subarray(at, at + bucketBytes).every((byte, index) => byte === other[at + index])) continue
      const more = [...replica.heads.leavesIn(feed, bucket)].map(([held, leaf]) => [held, shortLeaf(leaf)] as const)
      if (leaves.length + more.length > mostLeaves) break
      buckets.push(bucket)
      leaves.push(...more)
    }
    await tell(connection, leavesKey(topic), { time, buckets, leaves })
  }

  async function repair(feed: FeedName, keys: readonly Key[]): Promise<void> {
    const now = clock.now()
    if (keys.length === 0 || now - (repaired.get(feed) ?? Number.NEGATIVE_INFINITY) < repairMs) return
    repaired.set(feed, now)
    await replica.publishAgain(feed, keys)
  }

  async function tell(connection: ConnectionFacts, at: Key, body: Value): Promise<void> {
    await rows.save([messageEdit(connection.ownMessages, at, body)])
  }
}

/** What a peer says of one key of an own feed (rule HD8): that what it received there does not open (`closed`), or is not what this org signed (`differs`). */
export function saidByPeer(
  { replica }: Pick<EngineContext, 'replica'>,
  { peerMessages }: ConnectionFacts,
  topic: ConnectionTopic,
  at: Key,
): 'closed' | 'differs' | undefined {
  const body = replica.inbox(peerMessages).get(heldKey(topic))?.body ?? null
  const held = body === null ? undefined : v.safeParse(heldBody, body, { abortEarly: true })
  if (!held?.success || !('keys' in held.output) || !held.output.keys.includes(at)) return undefined
  return held.output.closed.includes(at) ? 'closed' : 'differs'
}

const bodyOf = (row: Parameters<typeof valueOf>[0]): Value => valueOf(row, 'body') ?? null

const shortLeaf = (leaf: Uint8Array): string => toBase64UrlEncoded(leaf.subarray(0, leafBytes))

function shortened(hashes: Uint8Array): Uint8Array {
  const size = hashes.length / bucketCount
  const short = new Uint8Array(bucketCount * bucketBytes)
  for (let bucket = 0; bucket < bucketCount; bucket++)
    short.set(hashes.subarray(bucket * size, bucket * size + bucketBytes), bucket * bucketBytes)
  return short
}
