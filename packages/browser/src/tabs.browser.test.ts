import { expect, it, vi } from 'vitest'
import { openTabs, type PageLife, type TabPauses } from './tabs.js'

// Tabs of one page: locks and channels are the browser's own, and what happens to a page is made to happen.

class Life implements PageLife {
  visible = true
  readonly #calls = new Set<Parameters<PageLife['watch']>[0]>()

  isVisible(): boolean {
    return this.visible
  }

  watch(calls: Parameters<PageLife['watch']>[0]): () => void {
    this.#calls.add(calls)
    return () => this.#calls.delete(calls)
  }

  happen(what: 'visibility' | 'freeze' | 'wake'): void {
    for (const calls of this.#calls) calls[what]()
  }
}

const usual: TabPauses = { hiddenDelay: 50, ask: 30, silence: 200, hidden: 300 }
/** For what is not about silence: a tab of a busy machine may be late with its answer. */
const patient: TabPauses = { ...usual, silence: 10_000 }
let names = 0

/** One tab, and what it was told. */
function open(
  name: string,
  pauses = usual,
): { readonly life: Life; readonly told: string[]; leads(): boolean; missed(): number; close(): void } {
  const [life, told] = [new Life(), [] as string[]]
  const tabs = openTabs(name, life, pauses)
  let missed = 0
  const ends = [
    tabs.lead(
      () => told.push('lead'),
      () => told.push('resign'),
    ),
    tabs.listen(
      () => told.push('message'),
      () => missed++,
    ),
  ]
  return { life, told, leads: () => told.at(-1) === 'lead', missed: () => missed, close: () => ends.forEach((end) => end()) }
}

const soon = { timeout: 3_000, interval: 10 }

it('another tab leads once the one that leads is closed (row 49)', async () => {
  const name = `tabs-${++names}`
  const first = open(name)
  await vi.waitFor(() => expect(first.told).toEqual(['lead']), soon)
  const [second, third] = [open(name), open(name)]
  await new Promise((resolve) => setTimeout(resolve, 300))
  // It answers, so nobody takes anything from it.
  expect([first.told, second.told, third.told]).toEqual([['lead'], [], []])
  first.close()
  // Either may have asked for the lead first.
  await vi.waitFor(() => expect([second, third].filter((each) => each.leads())).toHaveLength(1), soon)
  expect(first.told).toEqual(['lead'])
  const [next, last] = second.leads() ? [second, third] : [third, second]
  next.close()
  await vi.waitFor(() => expect(last.leads()).toBe(true), soon)
  last.close()
})

it('a frozen tab leads no more, is given no lead, and waits for its turn when it wakes up', async () => {
  const name = `tabs-${++names}`
  const [first, second] = [open(name), open(name)]
  await vi.waitFor(() => expect(first.leads()).toBe(true), soon)
  first.life.happen('freeze')
  expect(first.told).toEqual(['lead', 'resign'])
  await vi.waitFor(() => expect(second.leads()).toBe(true), soon)
  first.life.happen('wake')
  expect(first.missed()).toBe(1)
  second.close()
  await vi.waitFor(() => expect(first.leads()).toBe(true), soon)
  first.close()
})

it('a visible tab takes the lead of one that was hidden for long, and of no other', async () => {
  const name = `tabs-${++names}`
  const [first, second, third] = [open(name, patient), open(name, patient), open(name, patient)]
  await vi.waitFor(() => expect(first.leads()).toBe(true), soon)
  first.life.visible = false
  second.life.visible = false
  for (const { life } of [first, second]) life.happen('visibility')
  await vi.waitFor(() => expect([first.told, third.told]).toEqual([['lead', 'resign'], ['lead']]), soon)
  expect(second.told).toEqual([])
  for (const tab of [first, second, third]) tab.close()
})

it('a tab that does not answer loses the lead, and one that loses it again and again is left alone the longer', async () => {
  const name = `tabs-${++names}`
  // Whoever holds the lock and says nothing: a page that hangs.
  let lost = false
  void navigator.locks.request(`entente-${name}`, () => new Promise(() => undefined)).catch(() => (lost = true))
  await vi.waitFor(
    async () => expect((await navigator.locks.query()).held?.some((lock) => lock.name === `entente-${name}`)).toBe(true),
    soon,
  )
  const tab = open(name)
  await vi.waitFor(() => expect(tab.leads()).toBe(true), soon)
  expect(lost).toBe(true)
  void navigator.locks.request(`entente-${name}`, { steal: true }, () => new Promise(() => undefined)).catch(() => undefined)
  await vi.waitFor(() => expect(tab.told).toEqual(['lead', 'resign']), soon)
  const from = Date.now()
  await vi.waitFor(() => expect(tab.leads()).toBe(true), soon)
  expect(Date.now() - from).toBeGreaterThan(2 * usual.silence)
  tab.close()
})

it('a tab that is alone tells nobody, and one that opens hears what it may have missed and all that follows', async () => {
  const name = `tabs-${++names}`
  const post = vi.spyOn(BroadcastChannel.prototype, 'postMessage')
  const heard = (tabs: ReturnType<typeof openTabs>): unknown[] => {
    const messages: unknown[] = []
    tabs.listen((message) => messages.push(message))
    return messages
  }
  // A page that looked for an org to join, and listens to nothing.
  openTabs(name)
  const late = new BroadcastChannel(`entente-${name}`)
  const lately = new Promise((resolve) => late.addEventListener('message', resolve, { once: true }))
  const first = openTabs(name)
  const atFirst = heard(first)
  // What comes to the last channel has come to those before it.
  await lately
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000)
  first.tell('long ago')
  clock.mockReturnValue(20_000)
  first.tell('just before')
  expect(post.mock.calls).toEqual([[{ lead: 'here' }], [{ lead: 'here' }]])
  const second = openTabs(name)
  const atSecond = heard(second)
  first.tell('just after')
  await vi.waitFor(() => expect(atSecond).toEqual(['just before', 'just after']), soon)
  first.tell('later')
  await vi.waitFor(() => expect(atSecond).toEqual(['just before', 'just after', 'later']), soon)
  // The second knows of the first by its answer.
  second.tell('back')
  await vi.waitFor(() => expect(atFirst).toEqual(['back']), soon)
  vi.restoreAllMocks()
})

it('a page that opens the org which it has just joined is alone', async () => {
  const name = `tabs-${++names}`
  // The joining tells that it is done, and listens no more.
  const joining = openTabs(name)
  joining.listen(() => undefined)()
  joining.tell('joined')
  const post = vi.spyOn(BroadcastChannel.prototype, 'postMessage')
  const org = openTabs(name)
  const heard: unknown[] = []
  org.listen((message) => heard.push(message))
  await vi.waitFor(() => expect(heard).toEqual(['joined']), soon)
  org.tell('saved')
  expect(post.mock.calls).toEqual([[{ lead: 'here' }], ['joined']])
  vi.restoreAllMocks()
})

it('without a channel each page leads', () => {
  const channel = globalThis.BroadcastChannel
  Reflect.deleteProperty(globalThis, 'BroadcastChannel')
  try {
    expect([open('alone').told, open('alone').told]).toEqual([['lead'], ['lead']])
  } finally {
    globalThis.BroadcastChannel = channel
  }
})
