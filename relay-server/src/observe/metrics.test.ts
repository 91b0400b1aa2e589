import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Metrics, type ObservedSession, type Sources } from './metrics.js'

describe('the figures of a relay', () => {
  it('counts entries, refusals and what else passes', async () => {
    const metrics = new Metrics()
    metrics.committed(3, 2, 4)
    metrics.committed(1, 1, 40)
    metrics.acknowledged(6)
    metrics.sent(20)
    metrics.caughtUp(4)
    metrics.droppedSlowReader()
    metrics.compacted()
    metrics.refused('BEHIND')
    metrics.refused('BEHIND')
    metrics.failed('AUTH')
    metrics.refusedUpgrade(429)
    metrics.gatewayClosed(4401)
    metrics.gatewayClosed(4401)
    metrics.synced(3)
    const text = await metrics.text()
    for (const line of [
      'entente_entries_in_total 3',
      'entente_entries_out_total 24',
      'entente_catch_up_pages_total 1',
      'entente_slow_readers_dropped_total 1',
      'entente_compactions_total 1',
      'entente_refused_total{code="BEHIND"} 2',
      'entente_failed_sessions_total{code="AUTH"} 1',
      'entente_refused_upgrades_total{status="429"} 1',
      'entente_gateway_closed_total{code="4401"} 2',
      'entente_fsync_seconds_bucket{le="0.005"} 1',
      'entente_fsync_seconds_sum 0.003',
      'entente_commit_seconds_bucket{le="0.005"} 1',
      'entente_commit_seconds_count 2',
      'entente_batch_offers_sum 4',
      'entente_acknowledge_seconds_bucket{le="0.01"} 1',
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('stays what it is however often it is read', async () => {
    const metrics = new Metrics()
    metrics.sent(2)
    await metrics.text()
    expect(await metrics.text()).toContain('\nentente_entries_out_total 2\n')
  })

  it('looks at readers, store and certificate when it is read', async () => {
    const metrics = new Metrics()
    for (let opened = 0; opened < 6; opened++) metrics.socketOpened()
    metrics.socketClosed()
    const readers = [readerOf('d1', 1_000, 20), readerOf('d2', 500, 3_000), readerOf('d3', 0, 0), readerOf(undefined, 0, 0)]
    metrics.watch(sourcesOf({ sessions: () => readers }))
    metrics.watchCertificate(() => 1_000_000)
    const text = await metrics.text()
    for (const line of [
      'entente_sockets 5',
      'entente_sessions 3',
      'entente_backlog_bytes 1500',
      'entente_backlog_max_bytes 1000',
      'entente_oldest_undelivered_seconds 3',
      'entente_compaction_waiting 7',
      'entente_store_bytes 4096',
      'entente_store_docs 12',
      'entente_store_tail_updates 30',
      'entente_certificate_expires_timestamp_seconds 1000',
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('tells over how many readers what waits is spread, at the moment at which it is read', async () => {
    const metrics = new Metrics()
    let readers = [readerOf('d1', 1_000, 20), readerOf('d2', 300_000, 3_000), readerOf('d3', 0, 0), readerOf(undefined, 0, 0)]
    metrics.watch(sourcesOf({ sessions: () => readers }))
    await metrics.text()
    const told = async (): Promise<readonly string[]> => (await metrics.text()).match(/^entente_reader_backlog_bytes.*(?= )/gm) ?? []
    const lines = (await metrics.text()).split('\n')
    for (const [bound, count] of [
      ['0', 1],
      ['1024', 2],
      ['262144', 2],
      ['524288', 3],
      ['+Inf', 3],
    ])
      expect(lines).toContain(`entente_reader_backlog_bytes_bucket{le="${bound}"} ${count}`)
    const before = await told()
    readers = Array.from({ length: 50 }, (_, index) => readerOf(`d${index}`, index ** 4, 0))
    expect(await told()).toEqual(before)
    readers = []
    expect(await metrics.text()).toContain('\nentente_reader_backlog_bytes_count 0\n')
  })

  it('asks the store only now and then, and does without where it does not answer', async () => {
    const metrics = new Metrics()
    let asked = 0
    const store: Sources['store'] = () => Promise.reject(new Error(`The disk is gone (${++asked}).`))
    metrics.watch(sourcesOf({ store }))
    await metrics.text()
    expect(await metrics.text()).toContain('entente_store_bytes 0')
    expect(asked).toBe(1)
  })

  it('tells the process’s own figures once, however many relays it holds', async () => {
    const [first, second] = [new Metrics(), new Metrics()]
    first.sent(1)
    const text = await second.text()
    expect(text).toContain('entente_entries_out_total 0')
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds', 'process_cpu_seconds_total'])
      expect(text.match(new RegExp(`^${name} `, 'gm'))).toHaveLength(1)
  })

  it('are each explained in docs/operate.md', async () => {
    const guide = readFileSync(new URL('../../../docs/operate.md', import.meta.url), 'utf8')
    const names = (await new Metrics().text()).match(/(?<=^# TYPE )entente_\w+/gm) ?? []
    expect(names.length).toBeGreaterThan(15)
    for (const name of names) expect(guide).toMatch(new RegExp(`^\\|.*\`${name}[{\`]`, 'm'))
    const mentioned = guide.match(/entente_[a-z_]+/g) ?? []
    for (const name of mentioned) expect(names).toContain(name.replace(/_bucket$/, ''))
  })

  it('gives counts for rates and times', async () => {
    const metrics = new Metrics()
    metrics.committed(3, 2, 4)
    metrics.acknowledged(6)
    const { entriesIn, entriesOut, acknowledged } = await metrics.counts()
    expect([entriesIn, entriesOut]).toEqual([2, 0])
    expect(acknowledged.find(({ seconds }) => seconds === 0.005)?.count).toBe(0)
    expect(acknowledged.find(({ seconds }) => seconds === 0.01)?.count).toBe(1)
    expect(acknowledged.at(-1)).toEqual({ seconds: Number.POSITIVE_INFINITY, count: 1 })
  })
})

function sourcesOf(some: Partial<Sources>): Sources {
  return {
    sessions: () => [],
    compactionWaiting: () => 7,
    store: () => Promise.resolve({ diskBytes: 4_096, docs: 12, tailUpdates: 30 }),
    ...some,
  }
}

function readerOf(device: string | undefined, queuedBytes: number, oldestMs: number): ObservedSession {
  return { device, queuedBytes, oldestMs: () => oldestMs }
}
