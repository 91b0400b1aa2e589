import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { agree, createConnection, docOffer, editor, feedNumbers, RelayClient, TestRelay } from '../testing/index.js'

const forAllOrigins = ['entente.js', 'entente.classic.js', 'entente.integrity.json']

describe('plain HTTP', () => {
  let relay: TestRelay
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entente-web-'))
    await mkdir(join(directory, 'dist', 'assets'), { recursive: true })
    await writeFile(join(directory, 'secret.txt'), 'not for the world')
    await writeFile(join(directory, 'dist', '.hidden'), 'not for the world')
    await writeFile(join(directory, 'dist', 'index.html'), '<title>front</title>')
    await writeFile(join(directory, 'dist', 'rehearsal.html'), '<title>rehearsal</title>')
    await writeFile(join(directory, 'dist', 'assets', 'app-1a2b.js'), 'export {}')
    for (const name of [...forAllOrigins, 'sw.js', 'entente.webmanifest']) await writeFile(join(directory, 'dist', name), '')
    relay = await TestRelay.start({ web: join(directory, 'dist') })
  })
  afterAll(async () => {
    await relay.stop()
    await rm(directory, { recursive: true })
  })

  it('serves the web app with its types, and its pages with or without their ending', async () => {
    const front = await fetch(`${relay.url}/`)
    expect([front.status, front.headers.get('content-type'), await front.text()]).toEqual([
      200,
      'text/html; charset=utf-8',
      '<title>front</title>',
    ])
    expect(await (await fetch(`${relay.url}/rehearsal?step=2`)).text()).toBe('<title>rehearsal</title>')
    expect((await fetch(`${relay.url}/assets/app-1a2b.js`)).headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  })

  it('lets hashed assets be kept for ever, and asks for pages again', async () => {
    expect((await fetch(`${relay.url}/assets/app-1a2b.js`)).headers.get('cache-control')).toContain('immutable')
    const page = await fetch(`${relay.url}/rehearsal.html`)
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const again = await fetch(`${relay.url}/rehearsal.html`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
  })

  it('lets scripts come only from here, and pages connect nowhere else', async () => {
    const { headers } = await fetch(`${relay.url}/`)
    const policy = headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual(expect.arrayContaining(["script-src 'self'", "connect-src 'self'", "object-src 'none'", "form-action 'none'"]))
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(headers.has('strict-transport-security')).toBe(false)
  })

  it('serves the service worker fresh, without a policy for pages, and the manifest as one', async () => {
    const worker = await fetch(`${relay.url}/sw.js`)
    expect(worker.headers.get('cache-control')).toBe('no-cache')
    expect(worker.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    // From the root, so it needs no leave for a wider scope.
    expect(worker.headers.has('service-worker-allowed')).toBe(false)
    for (const path of ['sw.js', 'assets/app-1a2b.js', 'healthz', 'nothing']) {
      const policy = (await fetch(`${relay.url}/${path}`)).headers.get('content-security-policy')?.split('; ')
      expect(policy, path).toEqual(expect.arrayContaining(["default-src 'none'", "connect-src 'self'", "trusted-types 'none'"]))
    }
    const manifest = await fetch(`${relay.url}/entente.webmanifest`)
    expect([manifest.headers.get('cache-control'), manifest.headers.get('content-type')]).toEqual(['no-cache', 'application/manifest+json'])
  })

  it.each(['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/assets/../../secret.txt', '/.hidden', '/%00', '/%ZZ', '/nothing'])(
    'finds nothing at %s',
    async (path) => {
      const { status, body } = await rawGet(relay.port, path)
      expect(status).toBe(404)
      expect(body).not.toContain('world')
    },
  )

  it('lets pages of every origin load the one-file build, and nothing else', async () => {
    const said = async (path: string): Promise<readonly (string | null)[]> => {
      const { headers } = await fetch(`${relay.url}/${path}`)
      return [headers.get('access-control-allow-origin'), headers.get('cross-origin-resource-policy')]
    }
    for (const path of forAllOrigins) expect(await said(path), path).toEqual(['*', 'cross-origin'])
    for (const path of ['', 'rehearsal.html', 'assets/app-1a2b.js', 'nothing', 'healthz', 'admin/status', 'assets/entente.js'])
      expect(await said(path), path).toEqual([null, 'same-origin'])
  })

  it('says that it runs and that it is ready', async () => {
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${relay.url}/readyz`)).status).toBe(200)
  })

  it('takes nothing but reading', async () => {
    expect((await fetch(`${relay.url}/`, { method: 'POST', body: 'x' })).status).toBe(405)
    const head = await fetch(`${relay.url}/`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '20', ''])
  })
})

describe('a flood of requests', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  const probe = (from: string): Promise<number | undefined> =>
    new Promise((resolve, reject) =>
      request({ port: relay.port, host: '127.0.0.1', path: '/healthz', localAddress: from, agent: false }, (response) =>
        resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end(),
    )

  it('[RL6] ends with its connection where the requests come without waiting for answers, and answers none of them (row 73)', async () => {
    relay = await TestRelay.start()
    const heard = await new Promise<string>((resolve) => {
      let text = ''
      const flood = connect(relay.port, '127.0.0.1')
      flood.on('data', (data) => (text += data.toString('latin1')))
      flood.on('error', () => undefined)
      flood.on('close', () => resolve(text))
      flood.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000))
    })
    expect(heard.match(/HTTP\/1.1 200/g) ?? []).toEqual([])
    expect(await probe('127.0.0.1')).toBe(200)
  })

  it('[RL6] gets 429 beyond the rate of its address, and a probe from another address its answer (row 73)', async () => {
    relay = await TestRelay.start({ socketsPerSecond: 0.5 })
    const statuses: (number | undefined)[] = []
    while (statuses.at(-1) !== 429 && statuses.length < 1_000) statuses.push((await fetch(`${relay.url}/healthz`)).status)
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.length).toBeGreaterThan(90)
    expect(await probe('127.0.0.2')).toBe(200)
  })
})

describe('the figures of a relay', () => {
  let relay: TestRelay
  afterEach(() => relay.stop())

  const read = async (): Promise<string> => {
    const response = await relay.ask('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return response.text()
  }

  it('tell what Vera and Paul did', async () => {
    relay = await TestRelay.start()
    const connection = await createConnection()
    const { vera, paul } = await agree(connection, relay.url)
    const feed = feedNumbers.vendorOpportunity
    for (const key of ['r1', 'r2', 'r3']) await vera.publish(feed, docOffer(key, new Uint8Array([1])))
    await vera.publish(feed, docOffer('r1', new Uint8Array([1])))
    await paul.next('entries', ({ entries }) => entries.some(({ key }) => key === 'r3'))
    const figures = figuresOf(await read())
    // Two policies and three docs, each to both; one offer that came too late.
    expect(figures).toMatchObject({
      entente_sockets: 2,
      entente_sessions: 2,
      entente_entries_in_total: 5,
      entente_entries_out_total: 10,
      'entente_refused_total{code="BEHIND"}': 1,
      entente_acknowledge_seconds_count: 5,
      entente_commit_seconds_count: 5,
      entente_batch_offers_sum: 5,
      entente_catch_up_pages_total: 8,
      entente_backlog_bytes: 0,
      entente_slow_readers_dropped_total: 0,
      entente_store_docs: 5,
    })
    expect(figures['entente_acknowledge_seconds_sum']).toBeGreaterThan(figures['entente_commit_seconds_sum'] ?? 0)
    await vera.close()
    await paul.close()
    await expect.poll(async () => figuresOf(await read())).toMatchObject({ entente_sockets: 0, entente_sessions: 0 })
  })

  it('count sessions that were ended, and docs that were merged', async () => {
    relay = await TestRelay.start({ helloMs: 500, tailUpdates: 2 })
    const { vera } = await agree(await createConnection(), relay.url)
    await new RelayClient(relay.url).closed()
    const first = docOffer('r1', new Uint8Array([1]))
    const edit = editor(first.bytes)
    await vera.publish(feedNumbers.vendorOpportunity, first)
    for (const seen of [1, 2, 3]) {
      const update = { ...first, whole: false, seen, bytes: edit(new Uint8Array([seen])) }
      expect(await vera.publish(feedNumbers.vendorOpportunity, update)).toEqual({ code: 'ACCEPTED' })
    }
    await expect
      .poll(async () => figuresOf(await read()))
      .toMatchObject({ 'entente_failed_sessions_total{code="AUTH"}': 1, entente_compaction_waiting: 0 })
    await expect.poll(async () => figuresOf(await read())['entente_compactions_total']).toBeGreaterThan(0)
  })

  it('are for who shows the token: not for a stranger whom a proxy without headers makes look like this machine (row 97)', async () => {
    relay = await TestRelay.start()
    for (const path of ['/metrics', '/admin/status']) expect((await fetch(relay.url + path)).status, path).toBe(401)
    await relay.stop()
    relay = await TestRelay.start({ adminToken: 'a-token-of-the-operator' })
    const refused = await fetch(`${relay.url}/metrics`)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(await refused.text()).not.toContain('entente_')
    expect(await (await relay.ask('/metrics')).text()).toContain('entente_sockets')
  })

  it('ask for a token of the relay’s own where none is set: the same after a restart, another at each store, and in no line of the log', async () => {
    relay = await TestRelay.start()
    const token = relay.adminToken
    expect(token).toMatch(/^[\w-]{43}$/)
    await relay.restart()
    expect(relay.adminToken).toBe(token)
    expect((await relay.ask('/metrics')).status).toBe(200)
    await relay.restart((data) => rm(data, { recursive: true }))
    expect(relay.adminToken).not.toBe(token)
    expect(relay.lines.filter((line) => line.includes(token))).toEqual([])
  })
})

/** Each line's name, with its labels, and number. */
function figuresOf(text: string): Readonly<Record<string, number>> {
  const lines = text.split('\n').filter((line) => line.startsWith('entente_'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

/** As a browser would not send it: the path unchanged. */
function rawGet(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path }, (response) => {
      let body = ''
      response.on('data', (data: Buffer) => (body += data.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
      .on('error', reject)
      .end()
  })
}
