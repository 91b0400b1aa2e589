import { compactDoc, encodeClientFrame, type EntryKind, loadDoc, type MessageOf, writeSlots } from '@entente/protocol'
import {
  agree,
  createConnection,
  docOffer,
  feedNumbers,
  offerOf,
  RelayClient,
  type TestConnection,
  TestRelay,
} from '@entente/relay-server/testing'
import { Chance } from './chance.js'
import { mutate } from './mutate.js'
import { allTargets } from './targets.js'

/** The longest that a relay may take for one frame of a stranger or a device, in ms: the median of ten times, where once it took longer. */
const slowMs = 50
const retries = 10
const offersAtOnce = 40
const feeds = Object.values(feedNumbers)

export interface SessionReport {
  readonly inputs: number
  /** How often the relay answered what. */
  readonly answers: ReadonlyMap<string, number>
  readonly problems: readonly string[]
}

interface SessionOptions {
  readonly seed: number
  /** Asked before each round. */
  readonly goOn: (inputs: number) => boolean
}

/**
 * Tries inputs on a real relay: offers of a device behind its session, frames of it, and hellos. Beside it two honest orgs have a doc, which stays what it is and goes on being
 * read and written.
 */
export async function fuzzSession({ seed, goOn }: SessionOptions): Promise<SessionReport> {
  const relay = await TestRelay.start({ socketsPerSecond: 1_000_000, messagesPerSecond: 10_000_000, logLevel: 'error' })
  const problems: string[] = []
  const failed = (error: unknown): void =>
    void problems.push(`an exception nobody caught: ${error instanceof Error ? error.message : String(error)}`)
  process.on('uncaughtException', failed)
  process.on('unhandledRejection', failed)
  const mallory = new Mallory(relay, await createConnection(), new Chance(seed), problems)
  const honest = await Honest.open(relay)
  try {
    while (goOn(mallory.inputs) && problems.length < 20) {
      await mallory.offer()
      await mallory.frame()
      await mallory.hello()
      await honest.check(problems)
    }
    await honest.readAnew(problems)
    for (const line of relay.lines) if (line.includes('"level":"error"')) problems.push(`the relay logged ${line.slice(0, 200)}`)
    return { inputs: mallory.inputs, answers: mallory.answers, problems }
  } finally {
    process.off('uncaughtException', failed)
    process.off('unhandledRejection', failed)
    mallory.close()
    honest.close()
    await relay.stop()
  }
}

/** A vendor and a partner who work on while somebody else tries what the relay takes. */
class Honest {
  readonly #relay: TestRelay
  readonly #connection: TestConnection
  readonly #vera: RelayClient
  readonly #paul: RelayClient
  readonly #first = docOffer('deal', new Uint8Array([1]))
  #state: Uint8Array
  #sequence = 0
  #edits = 0

  private constructor(relay: TestRelay, connection: TestConnection, vera: RelayClient, paul: RelayClient) {
    this.#relay = relay
    this.#connection = connection
    this.#vera = vera
    this.#paul = paul
    this.#state = this.#first.bytes
  }

  static async open(relay: TestRelay): Promise<Honest> {
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, relay.url)
    const honest = new Honest(relay, connection, vera, paul)
    await vera.publish(feedNumbers.vendorOpportunity, honest.#first)
    honest.#sequence = await honest.#seen()
    return honest
  }

  /** An edit of Vera reaches Paul. */
  async check(problems: string[]): Promise<void> {
    const update = writeSlots(loadDoc([this.#state], 1_000), new Map([['0', new Uint8Array([2, this.#edits++ % 256])]]))
    const outcome = await this.#vera.publish(feedNumbers.vendorOpportunity, {
      ...this.#first,
      whole: false,
      seen: this.#sequence,
      bytes: update,
    })
    if (outcome.code !== 'ACCEPTED') return void problems.push(`an honest edit got ${outcome.code}`)
    this.#state = compactDoc([this.#state, update])
    this.#sequence = await this.#seen()
    this.#vera.heard.length = 0
  }

  /** A new session of Paul finds what Vera wrote, and nothing else. */
  async readAnew(problems: string[]): Promise<void> {
    const again = await this.#connection.open(this.#relay.url, this.#connection.paul)
    const entries = await again.read(1, this.#connection.feed('vendor', 'opportunity'))
    again.socket.terminate()
    const read = Buffer.from(compactDoc(entries.map(({ bytes }) => bytes)))
    if (entries.some(({ key }) => key !== 'deal') || !read.equals(this.#state)) problems.push('the doc of honest orgs is another')
  }

  close(): void {
    for (const client of [this.#vera, this.#paul]) client.socket.terminate()
  }

  async #seen(): Promise<number> {
    const { entries } = await this.#paul.next(
      'entries',
      ({ feed, entries: some }) => feed === feedNumbers.vendorOpportunity && some.length > 0,
    )
    this.#paul.heard.length = 0
    return entries.at(-1)?.sequence ?? 0
  }
}

/** A device of another org, which sends what it likes. */
class Mallory {
  readonly #relay: TestRelay
  readonly #connection: TestConnection
  readonly #chance: Chance
  readonly #problems: string[]
  readonly #seeds = new Map(allTargets().map(({ name, seeds }) => [name, seeds]))
  readonly answers = new Map<string, number>()
  inputs = 0
  #client: RelayClient | undefined
  #keys = 0
  #slowest = 0

  constructor(relay: TestRelay, connection: TestConnection, chance: Chance, problems: string[]) {
    this.#relay = relay
    this.#connection = connection
    this.#chance = chance
    this.#problems = problems
  }

  close(): void {
    this.#client?.socket.terminate()
  }

  /** Many offers in one frame: updates of a doc that is there, whole docs, messages, control entries and heads. */
  async offer(): Promise<void> {
    const client = await this.#session()
    const chance = this.#chance
    const base = docOffer(`k${this.#keys++}`, new Uint8Array([1]))
    await client.publish(feedNumbers.vendorOpportunity, base)
    const update = writeSlots(loadDoc([base.bytes], 9), new Map([['0', new Uint8Array([2])]]))
    const known = client.heard.findLast(
      (message): message is MessageOf<'entries'> => message.type === 'entries' && message.entries.some(({ key }) => key === base.key),
    )
    const seen = known?.entries.at(-1)?.sequence ?? 0
    client.heard.length = 0
    const ids: number[] = []
    for (let left = offersAtOnce; left > 0; left--) {
      const kind = chance.one(['update', 'update', 'doc', 'doc', 'message', 'control', 'head', 'erased'] as const)
      const feed = kind === 'update' || kind === 'doc' ? feedNumbers.vendorOpportunity : chance.one(feeds)
      const from = this.#inputsOf(kind)
      const bytes =
        kind === 'update' ? mutate(update, 'bytes', chance, [update, base.bytes]) : mutate(chance.one(from), 'bytes', chance, from)
      const key = chance.one(['policy', 'head', 'roster.2', `k${this.#keys++}`])
      const entryKind: EntryKind = kind === 'update' ? 'doc' : kind
      const offer =
        kind === 'update'
          ? { ...base, whole: false, seen, bytes: bytes.slice(0, 200_000) }
          : {
              ...offerOf(kind === 'doc' ? `k${this.#keys++}` : key, entryKind, bytes.slice(0, 200_000)),
              epoch: { version: chance.below(3), number: chance.below(3) },
            }
      this.inputs++
      ids.push(client.offer(feed, offer))
    }
    await this.#settled(client, ids)
  }

  /** One changed frame behind a session, and whether the relay still answers. */
  async frame(): Promise<void> {
    for (let left = 4; left > 0; left--) {
      const frames = this.#seeds.get('frame of a device') ?? []
      const frame = mutate(this.#chance.one(frames), 'bytes', this.#chance, frames).slice(0, 256 * 1024)
      this.inputs++
      const ms = await this.#timed(frame)
      if (ms <= Math.max(slowMs, this.#slowest)) continue
      const times: number[] = []
      for (let again = retries; again > 0; again--) times.push(await this.#timed(frame))
      const median = times.toSorted((one, other) => one - other)[retries / 2] ?? 0
      this.#slowest = Math.max(this.#slowest, median)
      if (median > slowMs)
        this.#problems.push(`a frame takes ${median.toFixed(0)} ms: ${Buffer.from(frame.subarray(0, 200)).toString('base64url')}`)
    }
  }

  /** A changed hello, on a socket of its own. */
  async hello(): Promise<void> {
    const client = new RelayClient(this.#relay.url)
    const { nonce } = await client.next('challenge')
    const honest = encodeClientFrame([...this.#connection.vera.introduce(nonce, client.relayName)])
    client.socket.send(mutate(honest, 'bytes', this.#chance, [honest]).slice(0, 256 * 1024))
    client.socket.send(encodeClientFrame([{ type: 'ping' }]))
    this.inputs++
    this.#count(`hello ${await this.#answered(client)}`)
    client.socket.terminate()
  }

  async #session(): Promise<RelayClient> {
    if (this.#client?.closeCode === undefined && this.#client) return this.#client
    const connection = this.#connection
    if (this.#client === undefined) {
      const { vera, paul } = await agree(connection, this.#relay.url)
      paul.socket.terminate()
      return (this.#client = vera)
    }
    const client = await connection.open(this.#relay.url, connection.vera)
    await client.read(feedNumbers.vendorMessages, connection.feed('vendor', 'messages'))
    client.subscribe(feedNumbers.partnerMessages, connection.feed('partner', 'messages'))
    client.subscribe(feedNumbers.partnerOpportunity, connection.feed('partner', 'opportunity'))
    await client.read(feedNumbers.vendorOpportunity, connection.feed('vendor', 'opportunity'))
    return (this.#client = client)
  }

  /** ms from a frame to the relay's answer to the ping behind it, or to the end of the session. */
  async #timed(frame: Uint8Array): Promise<number> {
    const client = await this.#session()
    client.heard.length = 0
    const began = performance.now()
    client.socket.send(frame)
    client.socket.send(encodeClientFrame([{ type: 'ping' }]))
    const answer = await this.#answered(client)
    this.#count(`frame ${answer}`)
    return performance.now() - began
  }

  async #answered(client: RelayClient): Promise<string> {
    try {
      return await client.until(() => {
        const failed = client.heard.find((message) => message.type === 'failed')
        if (failed?.type === 'failed') return failed.code
        if (client.closeCode !== undefined) return `closed ${client.closeCode}`
        return client.heard.some(({ type }) => type === 'pong') ? 'pong' : undefined
      }, 'an answer')
    } catch {
      this.#problems.push('the relay did not answer a frame')
      return 'nothing'
    } finally {
      if (client.heard.some(({ type }) => type === 'failed') && client.closeCode === undefined) await client.closed().catch(() => undefined)
    }
  }

  async #settled(client: RelayClient, ids: readonly number[]): Promise<void> {
    const open = new Set(ids)
    await client
      .until(() => {
        for (const message of client.heard) {
          if (message.type === 'accepted') for (const id of message.ids) if (open.delete(id)) this.#count('offer ACCEPTED')
          if (message.type === 'refused' && message.what === 'offer' && open.delete(message.subject)) this.#count(`offer ${message.code}`)
        }
        client.heard.length = 0
        return open.size === 0 ? true : undefined
      }, 'the outcome of offers')
      .catch((error: unknown) => this.#problems.push(error instanceof Error ? error.message : String(error)))
  }

  #inputsOf(kind: string): readonly Uint8Array[] {
    const target = { doc: 'whole doc', control: 'control entry', head: 'head' }[kind] ?? 'sealed register'
    return this.#seeds.get(target) ?? []
  }

  #count(answer: string): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
  }
}
