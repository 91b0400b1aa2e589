import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Read only when the metrics are requested, so that it costs nothing in between. */
export interface Sources {
  readonly sessions: () => Iterable<ObservedSession>
  readonly compactionWaiting: () => number
  readonly store: () => Promise<{ readonly diskBytes: number; readonly docs: number; readonly tailUpdates: number }>
}

/** A session, and the bytes that wait for its device. */
export interface ObservedSession {
  /** Undefined before the hello. */
  readonly device: string | undefined
  readonly queuedBytes: number
  /** How long the oldest of them has waited, in ms, at a moment of `performance.now()`; 0 if none wait. */
  oldestMs(now: number): number
}

/** From half a millisecond, a fast disk, to ten seconds, which no user waits for. */
const seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
/** From zero, which is normal, over the bytes that a send queue keeps by itself, to the bound of `slowReaderBytes` and beyond. */
const backlogs = [0, 1024, 16_384, 65_536, 262_144, 524_288, 1_048_576, 4_194_304, 16_777_216]
const batchSizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000]
/** The store's figures are read at most this often, in ms, because counting reads tables. */
const storeAgeMs = 15_000

/**
 * The metrics of one relay for Prometheus; `docs/operate.md` explains each. On an entry's way they cost plain additions, and one observation per frame or
 * batch.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #acknowledge: Histogram
  readonly #batchOffers: Histogram
  readonly #commit: Histogram
  readonly #fsync: Histogram
  readonly #readerBacklog: Histogram
  readonly #refused: Counter<'code'>
  readonly #failed: Counter<'code'>
  readonly #upgrades: Counter<'status'>
  readonly #gateway: Counter<'code'>
  readonly #gauges: Readonly<Record<GaugeName, Gauge>>
  #sources: Sources | undefined
  #certificateExpires = (): number => Number.NaN
  #storeReadAt = Number.NEGATIVE_INFINITY
  #sockets = 0
  #entriesIn = 0
  #entriesOut = 0
  #catchUpPages = 0
  #slowReaders = 0
  #compactions = 0

  constructor() {
    processRegistry()
    const registers = [this.#registry]
    const histogram = (name: string, help: string, buckets: number[]): Histogram => new Histogram({ name, help, buckets, registers })
    this.#acknowledge = histogram('entente_acknowledge_seconds', 'From an offer’s arrival to its acknowledgement, per frame', seconds)
    this.#commit = histogram('entente_commit_seconds', 'A transaction of the store, until it is on disk', seconds)
    this.#fsync = histogram('entente_fsync_seconds', 'Writing and syncing a transaction to the disk, in the embedded store alone', seconds)
    this.#readerBacklog = histogram(
      'entente_reader_backlog_bytes',
      'Sessions by the bytes that wait for each, at this moment (not a running count)',
      backlogs,
    )
    this.#batchOffers = histogram('entente_batch_offers', 'Offers in one transaction', batchSizes)
    this.#refused = new Counter({ name: 'entente_refused_total', help: 'Refusals by code', labelNames: ['code'], registers })
    this.#failed = new Counter({ name: 'entente_failed_sessions_total', help: 'Sessions ended by code', labelNames: ['code'], registers })
    const upgrades = { name: 'entente_refused_upgrades_total', help: 'Sockets refused at the upgrade, by HTTP status' }
    this.#upgrades = new Counter({ ...upgrades, labelNames: ['status'], registers })
    this.#gateway = new Counter({
      name: 'entente_gateway_closed_total',
      help: 'Gateway sockets closed by code',
      labelNames: ['code'],
      registers,
    })
    this.#gauges = createGauges(this.#registry)
    this.#count('entente_entries_in_total', 'Entries committed', () => this.#entriesIn)
    this.#count('entente_entries_out_total', 'Entries sent to readers', () => this.#entriesOut)
    this.#count('entente_catch_up_pages_total', 'Pages read from the store for readers that catch up', () => this.#catchUpPages)
    this.#count(
      'entente_slow_readers_dropped_total',
      'Readers dropped because too much waited for them, or for too long',
      () => this.#slowReaders,
    )
    this.#count('entente_compactions_total', 'Docs merged', () => this.#compactions)
  }

  /** Counts a batch that is on disk, and the time that the store took, in ms. */
  committed(offers: number, entries: number, commitMs: number): void {
    this.#entriesIn += entries
    this.#batchOffers.observe(offers)
    this.#commit.observe(commitMs / 1000)
  }

  /** Counts a transaction that the embedded store wrote to the disk and waited for. */
  synced(ms: number): void {
    this.#fsync.observe(ms / 1000)
  }

  /** To be called once per frame and batch, when the frame's offers in that batch have been answered. */
  acknowledged(ms: number): void {
    this.#acknowledge.observe(ms / 1000)
  }

  sent(entries: number): void {
    this.#entriesOut += entries
  }

  /** Counts a page sent to a reader that catches up. */
  caughtUp(entries: number): void {
    this.#catchUpPages++
    this.#entriesOut += entries
  }

  droppedSlowReader(): void {
    this.#slowReaders++
  }

  compacted(): void {
    this.#compactions++
  }

  /** Open sockets, the gateway's included. */
  get sockets(): number {
    return this.#sockets
  }

  socketOpened(): void {
    this.#sockets++
  }

  socketClosed(): void {
    this.#sockets--
  }

  refused(code: string): void {
    this.#refused.inc({ code })
  }

  failed(code: string): void {
    this.#failed.inc({ code })
  }

  /** Counts a socket refused at the upgrade. @param status of the HTTP answer */
  refusedUpgrade(status: number): void {
    this.#upgrades.inc({ status })
  }

  /** Counts a gateway socket that the relay closed. @param code of the WebSocket's close */
  gatewayClosed(code: number): void {
    this.#gateway.inc({ code })
  }

  /** Sets the sources of the gauges. */
  watch(sources: Sources): void {
    this.#sources = sources
  }

  /** @param expires when the relay's own certificate expires, ms since 1970 */
  watchCertificate(expires: () => number): void {
    this.#certificateExpires = expires
  }

  /** Counts since the start, and the acknowledgements in each bucket of at most `seconds` (the last: all of them). */
  async counts(): Promise<{
    readonly entriesIn: number
    readonly entriesOut: number
    readonly acknowledged: readonly { readonly seconds: number; readonly count: number }[]
  }> {
    const { values } = await this.#acknowledge.get()
    const acknowledged = values
      .filter(({ metricName }) => metricName?.endsWith('_bucket'))
      .map(({ labels, value }) => ({ seconds: labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le), count: value }))
    return { entriesIn: this.#entriesIn, entriesOut: this.#entriesOut, acknowledged }
  }

  /** All metrics, those of the process included, in Prometheus’ text format. */
  async text(): Promise<string> {
    this.#gauges.sockets.set(this.#sockets)
    this.#gauges.certificateExpires.set(this.#certificateExpires() / 1000)
    if (this.#sources) {
      this.#lookAtReaders(this.#sources.sessions())
      this.#gauges.compactionWaiting.set(this.#sources.compactionWaiting())
      await this.#lookAtStore(this.#sources.store)
    }
    return `${await this.#registry.metrics()}\n${await processRegistry().metrics()}`
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  #lookAtReaders(sessions: Iterable<ObservedSession>): void {
    const now = performance.now()
    let open = 0
    let all = 0
    let most = 0
    let longest = 0
    this.#readerBacklog.zero({})
    for (const reader of sessions) {
      const { device, queuedBytes } = reader
      if (device !== undefined) {
        open++
        this.#readerBacklog.observe(queuedBytes)
      }
      all += queuedBytes
      most = Math.max(most, queuedBytes)
      longest = Math.max(longest, reader.oldestMs(now))
    }
    this.#gauges.sessions.set(open)
    this.#gauges.backlog.set(all)
    this.#gauges.backlogMax.set(most)
    this.#gauges.oldest.set(longest / 1000)
  }

  /** If the store cannot be read, its last figures stay. */
  async #lookAtStore(store: Sources['store']): Promise<void> {
    if (performance.now() - this.#storeReadAt < storeAgeMs) return
    this.#storeReadAt = performance.now()
    const stats = await store().catch(() => undefined)
    if (!stats) return
    this.#gauges.storeBytes.set(stats.diskBytes)
    this.#gauges.storeDocs.set(stats.docs)
    this.#gauges.storeTail.set(stats.tailUpdates)
  }

  #count(name: string, help: string, value: () => number): void {
    const registers = [this.#registry]
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      collect: () => {
        counter.reset()
        counter.inc(value())
      },
    })
  }
}

function createGauges(registry: Registry): Readonly<Record<GaugeName, Gauge>> {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `entente_${name}`, help, registers: [registry] })
  return {
    sockets: gauge('sockets', 'Open sockets'),
    sessions: gauge('sessions', 'Sessions past their hello'),
    backlog: gauge('backlog_bytes', 'Bytes that wait for readers, all together'),
    backlogMax: gauge('backlog_max_bytes', 'Bytes that wait for the reader with the most'),
    oldest: gauge('oldest_undelivered_seconds', 'How long the oldest undelivered byte has waited'),
    compactionWaiting: gauge('compaction_waiting', 'Docs that wait to be merged'),
    storeBytes: gauge('store_bytes', 'Size of the store, dead space included'),
    storeDocs: gauge('store_docs', 'Keys that hold something'),
    storeTail: gauge('store_tail_updates', 'Updates that wait behind merged states'),
    certificateExpires: gauge('certificate_expires_timestamp_seconds', 'When the relay’s own certificate expires, NaN without one'),
  }
}

type GaugeName =
  | 'sockets'
  | 'sessions'
  | 'backlog'
  | 'backlogMax'
  | 'oldest'
  | 'compactionWaiting'
  | 'storeBytes'
  | 'storeDocs'
  | 'storeTail'
  | 'certificateExpires'

let ofProcess: Registry | undefined

/** Memory, CPU and event loop lag belong to the process, however many relays it holds; their monitors cannot be removed. */
function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
