import { type FeedName, type Key, otherSide, parsedText, parseKey } from '@entente/protocol'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import * as v from 'valibot'
import { type ConnectionFacts, enabledConnections, messageEdit, messageId } from '../connect/connection-facts.js'
import type { EngineContext } from '../context.js'
import { connectionFeed, type ObjectTopic, objectByTopic } from '../replica/feed-role.js'
import type { PlaceAbove, ReplicaView, SealAbove } from '../replica/index.js'
import type { Reconciler } from '../reconcilers.js'
import { valueOf } from '../row/row.js'
import { instant } from '../schema/numbers.js'
import type { FreshnessTable } from './freshness.js'
import { againMs } from './judge.js'

/** The seals of one message, and the length of their text, so that it fits into one value. */
const mostSeals = 200
const mostText = 60_000
/** What stands beside a seal's text at most: its key, its slot and its epoch. */
const placeText = 100

export const backPrefix = 'back.'
export const backKey = (topic: ObjectTopic): Key => parseKey(`${backPrefix}${topic}`)

const epochPart = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1))
const base64Url = v.pipe(v.string(), v.regex(/^([\w-]{4})*([\w-]{2,3})?$/))
const seal = v.tuple([parsedText(parseKey), v.pipe(v.string(), v.maxLength(1)), epochPart, epochPart, base64Url])

/** `seals`: for each its key, slot, the version and number of its epoch, and its bytes in base64url. */
export const backBody = v.object({ time: instant, seals: v.pipe(v.array(seal), v.maxLength(mostSeals)) })

interface Parts extends Pick<EngineContext, 'rows' | 'clock'> {
  readonly replica: Pick<ReplicaView, 'above' | 'sealsAbove' | 'takeBack' | 'inbox' | 'position'>
}

/**
 * Hands back to peers what they lost, and takes back what this org lost (rules BK1 to BK4). An org whose devices and relay came back from a backup signs less than
 * its peers have seen. They give it what is above: sealed by itself, so that nobody else can have made it.
 *
 * @param restored when this org was restored, in milliseconds since 1970: what it had said before then comes back also under the keys of before
 */
export function handingBackReconciler(
  context: Parts,
  freshness: FreshnessTable,
  restored: () => Promise<number> = () => Promise.resolve(0),
): Reconciler<ConnectionFacts> {
  const { rows, replica, clock } = context
  /** The head of each peer's feed for which this was done last, by its time. */
  const handled = new Map<FeedName, number>()
  /** When each seal was handed back last: an owner that does not want it is asked again only after a while. */
  const told = new Map<FeedName, Map<string, number>>()
  /** The head of each own feed for which something was taken last. */
  const taken = new Map<FeedName, number>()
  return {
    name: 'handing back',
    subjects: () => enabledConnections(rows).filter(({ confirmed }) => confirmed),
    async react(connection) {
      for (const topic of Object.keys(objectByTopic) as ObjectTopic[]) {
        await give(connection, topic)
        await take(connection, topic)
      }
    },
  }

  async function give(connection: ConnectionFacts, topic: ObjectTopic): Promise<void> {
    const feed = connectionFeed(connection.id, otherSide(connection.side), topic)
    const { confirmed, newest, trouble } = freshness.get(feed)
    if (!newest || confirmed !== newest.time || trouble || handled.get(feed) === newest.time) return
    // Something came after that head: the next one tells.
    if (replica.position(feed).cursor !== newest.sequence + 1) return
    handled.set(feed, newest.time)
    const places = replica.above(feed)
    const own = valueOf(rows.get('Message', messageId(connection.ownMessages, backKey(topic))), 'body') ?? null
    if (places.length === 0) {
      told.delete(feed)
      if (own !== null) await rows.save([messageEdit(connection.ownMessages, backKey(topic), null)])
      return
    }
    const seals = await nextOf(feed, places)
    if (seals.length > 0) await rows.save([messageEdit(connection.ownMessages, backKey(topic), { time: newest.time, seals })])
  }

  async function nextOf(feed: FeedName, places: readonly PlaceAbove[]): Promise<v.InferInput<typeof seal>[]> {
    const now = clock.now()
    const times = told.get(feed) ?? new Map<string, number>()
    told.set(feed, times)
    const nameOf = ({ key, slot }: PlaceAbove): string => `${key} ${slot}`
    const due = places.filter((place) => now - (times.get(nameOf(place)) ?? Number.NEGATIVE_INFINITY) >= againMs)
    const found: v.InferInput<typeof seal>[] = []
    let length = 0
    for (let start = 0; start < due.length && found.length === 0; start += mostSeals) {
      for (const one of await replica.sealsAbove(feed, due.slice(start, start + mostSeals))) {
        const text = toBase64UrlEncoded(one.bytes)
        length += text.length + placeText
        if (found.length > 0 && length > mostText) break
        times.set(nameOf(one), now)
        if (text.length <= mostText) found.push([one.key, one.slot, one.epoch.version, one.epoch.number, text])
      }
    }
    return found
  }

  async function take(connection: ConnectionFacts, topic: ObjectTopic): Promise<void> {
    const feed = connectionFeed(connection.id, connection.side, topic)
    const message = replica.inbox(connection.peerMessages).get(backKey(topic))
    const body = message && v.safeParse(backBody, message.body)
    const time = freshness.get(feed).newest?.time
    // Once for each head that this org signs: a peer must not keep it busy.
    if (!body?.success || body.output.time !== time || taken.get(feed) === time) return
    taken.set(feed, time)
    await replica.takeBack(
      feed,
      body.output.seals.map(([key, slot, version, number, text]): SealAbove => ({
        key,
        slot,
        epoch: { version, number },
        bytes: fromBase64UrlEncoded(text),
      })),
      await restored(),
    )
  }
}
