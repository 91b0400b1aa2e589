import { describe, expect, it } from 'vitest'
import { lead, MemoryBrowser, type MemoryOrg, setup, type Setup } from './testing/index.js'

interface Scene extends Setup<'exported'> {
  /** Vera's second tab. */
  readonly second: MemoryOrg
  /** The frames that each of Vera's tabs has sent. */
  readonly sent: { first: number; second: number }
  /** Vera changes the status of her lead in a tab. */
  save(tab: MemoryOrg, status: string): Promise<void>
  /** What Paul sees of it. */
  seen(): unknown
}

/** Vera with two tabs of one browser, or of two that do not hear each other. */
async function twoTabs(hear = true): Promise<Scene> {
  const browser = new MemoryBrowser()
  const sent = { first: 0, second: 0 }
  const scene = await setup({ upTo: 'exported', vera: { browser, onSend: () => void sent.first++ } })
  const { vera, paul, copy, record } = scene
  const second = await scene.open({
    ...vera.options,
    store: vera.store,
    browser: hear ? browser : new MemoryBrowser(),
    onSend: () => void sent.second++,
  })
  await scene.settle()
  return {
    ...scene,
    second,
    sent,
    save: (tab, status) => tab.records.edit('Lead', record, { Status: status }),
    seen: () => paul.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Status')?.value,
  }
}

const [working, closed] = ['Working - Contacted', 'Closed - Not Converted'] as const

describe('one tab hands the lead over', () => {
  it('to one that asks for it, and sends and writes nothing more itself (row 49)', async () => {
    const { vera, second, settle, save, seen, sent } = await twoTabs()
    second.tab.takeOver()
    await settle()
    expect([vera, second].map((tab) => tab.sync.status().leader)).toEqual([false, true])
    expect(vera.sync.status()).toMatchObject({ state: 'online', stoodDown: undefined })
    const before = sent.first
    await save(vera, working)
    await settle()
    expect(seen()).toBe(working)
    expect(sent.first).toBe(before)
    expect([...vera.problems, ...second.problems]).toEqual([])
    // And back again.
    vera.tab.takeOver()
    await save(second, closed)
    await settle()
    expect([vera.sync.status().leader, seen()]).toEqual([true, closed])
  })

  it('when it is frozen, and notices when it wakes up what it missed', async () => {
    const { vera, second, settle, save, seen, sent, until, record } = await twoTabs()
    vera.tab.freeze()
    await until('the second tab leads', () => second.sync.status().leader && second.sync.status().state === 'online')
    // The first runs on in the dark, as if it had not been frozen at all: its store says no.
    const before = sent.first
    await save(second, working)
    await settle(second)
    await save(vera, closed)
    await until('the first tab has stood down', () => !vera.sync.status().leader)
    expect(sent.first).toBe(before)
    expect(vera.records.get('Lead', record)?.values['Status']).toBe(closed)
    await second.records.edit('Lead', record, { Company: 'Apollo' })
    await second.drafts.keep('Lead', record, { Email: 'ada@apollo.example' })
    vera.tab.wake()
    await settle()
    expect(vera.records.get('Lead', record)?.values).toMatchObject({ Status: closed, Company: 'Apollo' })
    expect(vera.drafts.of('Lead', record)?.values).toEqual({ Email: 'ada@apollo.example' })
    expect(vera.sync.status()).toMatchObject({ leader: false, state: 'online', stoodDown: undefined })
    await second.sync.settled(1_000)
    expect(seen()).toBe(closed)
  })

  it('in the middle of its work, which the next one does', async () => {
    const { vera, second, settle, finish } = await twoTabs()
    const leads = Array.from({ length: 120 }, (_, index) => lead(`Lead${index}`))
    await finish(vera.records.createMany('Lead', leads))
    // Taken in the transaction that would write what the relay acknowledges.
    const { held, release } = vera.store.hold((reads) => reads.some(([kind]) => kind === 'feed'))
    const rest = settle()
    await held
    second.tab.takeOver()
    release()
    await rest
    await settle()
    const feeds = second.replica.followed().feeds
    expect([vera, second].map((tab) => [tab.sync.status().leader, tab.sync.status().waiting])).toEqual([
      [false, 0],
      [true, 0],
    ])
    expect(feeds.map((feed) => vera.replica.position(feed))).toEqual(feeds.map((feed) => second.replica.position(feed)))
    expect([...vera.problems, ...second.problems]).toEqual([])
  })
})

describe('a tab that follows', () => {
  it('waits for all to be in sync as the one that leads does, also while that one changes', async () => {
    const { vera, second, save, seen, finish, settle } = await twoTabs()
    await save(second, working)
    await finish(second.sync.settled(10_000))
    expect(seen()).toBe(working)
    vera.sync.cut()
    await save(second, closed)
    const settled = second.sync.settled(10_000)
    await settle(second)
    // Nobody answers: the one that was asked is closed, and the next is asked.
    vera.tab.close()
    await finish(settled)
    expect([second.sync.status().leader, seen()]).toEqual([true, closed])
  })

  it('says in time that it does not come to rest', async () => {
    const { vera, second, save, finish } = await twoTabs()
    vera.sync.cut()
    await save(second, closed)
    await expect(finish(second.sync.settled(3_000))).rejects.toMatchObject({ code: 'OFFLINE' })
  })

  it('opens a gateway to a mirror, also while the lead changes hands', async () => {
    const { vera, paul, second, record, copy, settle, finish } = await twoTabs()
    await paul.records.edit('Lead', copy, { Status: working })
    await settle()
    const [mirror] = second.mirrors.of('Lead', record)
    const id = mirror?.id ?? ''
    // The relay in memory has no gateway. That it was asked shows.
    await expect(finish(second.sync.openGateway(id))).rejects.toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining('The relay gave no token'),
    })
    const token = `x.${Buffer.from(JSON.stringify({ version: 1, number: 0 })).toString('base64url')}.x`
    for (const [asked, asking] of [
      [vera, second],
      [second, vera],
    ] as const) {
      asked.link.asks.answer('gateway', () => new Promise(() => undefined))
      asking.link.asks.answer('gateway', () => Promise.resolve({ token, expires: 7 }))
      const pass = asking.sync.openGateway(id)
      await settle()
      asking.tab.takeOver()
      expect(await finish(pass)).toMatchObject({ mirror: id, peerName: 'Pine', token })
    }
    await expect(finish(second.sync.openGateway('none'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('dates what is saved there by the relay’s clock', async () => {
    const browser = new MemoryBrowser()
    const { vera, open, settle } = await setup({ vera: { browser } })
    vera.clock.skew = 3_600_000
    vera.sync.cut()
    vera.sync.mend()
    await settle()
    const second = await open({ ...vera.options, store: vera.store, browser, skew: 3_600_000 })
    await settle()
    expect(second.sync.status().clockOffset).toBe(vera.sync.status().clockOffset)
  })
})

describe('two engines on one store that do not hear each other', () => {
  it('notice it: the older stands down, says so, and neither writes nor sends as the leader', async () => {
    const { vera, second, save, seen, settle, sent, until, clock } = await twoTabs(false)
    clock.advance(61_000)
    await until('the older has noticed', () => vera.sync.status().stoodDown === 'elsewhere')
    expect([vera, second].map((tab) => tab.sync.status().leader)).toEqual([false, true])
    expect(vera.problems[0]).toBe(
      'This org is open a second time in this browser, and the two pages do not hear each other. The other one keeps it in sync. Close one of them, and reload the other.',
    )
    const before = sent.first
    await save(second, working)
    await settle(second)
    expect([seen(), sent.first]).toEqual([working, before])
    // What is saved here is kept, and goes out once this one leads again.
    await vera.records.edit('Lead', vera.records.list('Lead').records[0]?.id ?? '', { Status: closed })
    second.link.stop()
    await second.replica.endLead()
    clock.advance(61_000)
    await until('the older leads again', () => vera.sync.status().leader && vera.link.isSynced)
    expect([vera.sync.status().stoodDown, seen()]).toEqual([undefined, closed])
  })

  it('of two that work at full tilt, one alone publishes', async () => {
    const { vera, second, settle, clock, until } = await twoTabs(false)
    const names = Array.from({ length: 40 }, (_, index) => `Lead${index}`)
    await Promise.all(names.map((name, index) => (index % 2 ? vera : second).records.create('Lead', lead(name))))
    await until('one has stood down', () => !vera.sync.status().leader)
    clock.advance(0)
    await settle(second)
    expect(second.sync.status()).toMatchObject({ leader: true, state: 'online' })
    expect(second.problems).toEqual([])
  })
})

describe('a page of a newer version beside an older one', () => {
  it('the older page writes nothing over what a newer one stored, and says to reload', async () => {
    const { vera, record, settle } = await setup({ upTo: 'exported' })
    await vera.store.update([], () => ({ writes: [{ put: ['meta', 'version'], value: 2 }], result: undefined }))
    const before = await vera.store.scan(['row'])
    await expect(vera.records.edit('Lead', record, { Company: 'Apollo' })).rejects.toMatchObject({
      code: 'STORE',
      cause: { code: 'NEWER' },
      message: expect.stringContaining('Reload'),
    })
    expect(vera.sync.status()).toMatchObject({ stoodDown: 'outdated', leader: false })
    await settle()
    expect(await vera.store.scan(['row'])).toEqual(before)
    // It still shows what it has.
    expect(vera.records.get('Lead', record)?.values['Company']).toBe('Acme')
  })

  it('the same once it hears a message of a newer one', async () => {
    const browser = new MemoryBrowser()
    const { vera, record, settle } = await setup({ upTo: 'exported', vera: { browser } })
    const before = await vera.store.scan(['row'])
    browser.open().tell({ version: 2, news: 'in words of its own' })
    await settle()
    expect(vera.sync.status()).toMatchObject({ stoodDown: 'outdated', leader: false })
    await expect(vera.records.edit('Lead', record, { Company: 'Apollo' })).rejects.toMatchObject({ cause: { code: 'NEWER' } })
    expect(await vera.store.scan(['row'])).toEqual(before)
    expect(vera.problems[0]).toContain('Reload')
  })

  it('the newer one leads', async () => {
    const browser = new MemoryBrowser()
    await setup({ upTo: 'exported', vera: { browser } }).then(async ({ settle }) => {
      let leads = false
      const newer = browser.open()
      newer.lead(
        () => (leads = true),
        () => (leads = false),
      )
      expect(leads).toBe(false)
      newer.tell({ version: 2 })
      await settle()
      expect(leads).toBe(true)
    })
  })

  it('a store that a newer version wrote is not opened (row 48)', async () => {
    const { vera, reload } = await setup()
    await vera.store.update([], () => ({ writes: [{ put: ['meta', 'version'], value: 99 }], result: undefined }))
    await expect(reload(vera)).rejects.toMatchObject({ code: 'STORE', cause: { code: 'NEWER' } })
  })

  it('takes nothing of what is no message of its own version', async () => {
    const browser = new MemoryBrowser()
    const { vera, settle } = await setup({ upTo: 'exported', vera: { browser } })
    const other = browser.open()
    for (const odd of [undefined, null, 7, 'line', {}, { type: 'line' }, { version: 0, message: { type: 'line' } }, { version: '2' }, []])
      other.tell(odd)
    await settle()
    expect(vera.sync.status()).toMatchObject({ stoodDown: undefined, leader: true, state: 'online' })
    expect(vera.problems).toEqual([])
  })
})
