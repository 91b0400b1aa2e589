import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestRelay } from './testing/index.js'

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

  it('lets scripts come only from here', async () => {
    const policy = (await fetch(`${relay.url}/`)).headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("object-src 'none'")
  })

  it.each(['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/assets/../../secret.txt', '/.hidden', '/%00', '/%ZZ', '/nothing'])(
    'finds nothing at %s',
    async (path) => {
      const { status, body } = await rawGet(relay.port, path)
      expect(status).toBe(404)
      expect(body).not.toContain('world')
    },
  )

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
