import type { MirrorView, SignedFeed } from '@entente/engine'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { page } from 'vitest/browser'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { agreed, connected, mirror, opportunity, signedFeed, signedFeeds } from '../testing/scenes.js'

const now = Date.UTC(2027, 0, 15, 14, 30)
const at = (hour: number, minute: number): number => Date.UTC(2027, 0, 15, hour, minute)
const minute = 60_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now })
})

afterEach(async () => {
  vi.useRealTimers()
  await page.viewport(1000, 700)
})

function engineWith(feed: Partial<SignedFeed>, more: Partial<MirrorView> = {}, records = [opportunity('a'), opportunity('b')]) {
  const [state, signedAt, since] = [feed.state ?? 'signed', feed.signedAt, feed.since]
  return fakeEngine({
    records,
    connections: [connected()],
    agreement: agreed(),
    mirrors: [mirror({ changedAt: at(13, 50), signed: { state, signedAt, since }, ...more })],
    sync: { ...quietLine, signed: signedFeeds(feed) },
  })
}

async function lineOf(engine: ReturnType<typeof fakeEngine>): Promise<string> {
  const related = await mount('entente-external', { engine, record: 'a' })
  expect(await accessibilityProblems()).toEqual([])
  return words(related)
}

function words(related: HTMLElement): string {
  return related.shadowRoot?.querySelector('.signed')?.textContent?.replace(/\s+/g, ' ').trim() ?? ''
}

describe('the mirror on Vera’s record', () => {
  it('says when the partner signed what it shows', async () => {
    expect(await lineOf(engineWith({ signedAt: at(14, 5) }))).toBe('As Tessaly & Brook signed it at 14:05')
  })

  it('says how old that is, and what may be the reason', async () => {
    expect(await lineOf(engineWith({ signedAt: at(11, 5) }))).toBe(
      'As Tessaly & Brook signed it 3 hours ago, at 11:05: Tessaly & Brook may be offline, or the relay gives nothing new',
    )
    const alone = engineWith({ signedAt: at(11, 5) - 24 * 60 * minute })
    alone.change({ sync: { ...quietLine, state: 'offline' } }, 'sync')
    expect(await lineOf(alone)).toBe('As Tessaly & Brook signed it yesterday, on 14 Jan 2027, 11:05: this device is offline')
  })

  it('blames nobody for the age of a mirror that is frozen', async () => {
    expect(await lineOf(engineWith({ signedAt: at(11, 5) }, { state: 'frozen' }))).toBe(
      'As Tessaly & Brook signed it 3 hours ago, at 11:05',
    )
  })

  it('stays as it is while the next signature is on its way, and says so after some time', async () => {
    const engine = engineWith({ state: 'waiting', signedAt: at(14, 5) })
    const related = await mount('entente-external', { engine, record: 'a' })
    expect(words(related)).toBe('As Tessaly & Brook signed it at 14:05')
    vi.advanceTimersByTime(minute)
    await drawn(related)
    expect(words(related)).toBe('Not confirmed yet; Tessaly & Brook last signed it at 14:05')
    engine.change({ mirrors: [mirror({ signed: { state: 'signed', signedAt: at(14, 31), since: undefined } })] }, 'mirrors')
    await drawn(related)
    expect(words(related)).toBe('As Tessaly & Brook signed it at 14:31')
  })

  it('does not call a value signed that came after the signature', async () => {
    expect(await lineOf(engineWith({ state: 'waiting', signedAt: at(14, 5) }, { changedAt: at(14, 29) }))).toBe(
      'Changed since Tessaly & Brook signed it at 14:05',
    )
  })

  it('says nothing before the first signature, unless that stays away', async () => {
    const related = await mount('entente-external', { engine: engineWith({ state: 'waiting', signedAt: undefined }), record: 'a' })
    expect(words(related)).toBe('')
    vi.advanceTimersByTime(minute)
    await drawn(related)
    expect(words(related)).toBe('Not confirmed yet: Tessaly & Brook has signed nothing that came here.')
  })

  it('says that the relay holds something back, also where no value has come', async () => {
    const held = { state: 'held back', signedAt: at(13, 58), since: at(14, 5) } as const
    const said = 'The relay has held something back since 14:05, so this may be out of date.'
    expect(await lineOf(engineWith(held))).toBe(said)
    expect(await lineOf(engineWith(held, { state: 'waiting', changedAt: undefined }))).toBe(said)
  })

  it('says that it differs from what the partner signed', async () => {
    const differs = { state: 'differs', signedAt: at(13, 58), since: at(14, 5) } as const
    expect(await lineOf(engineWith({ ...differs, records: [{ object: 'Opportunity', id: 'a' }] }))).toBe(
      'Since 14:05, this has differed from what Tessaly & Brook signed. This device has read it again; Tessaly & Brook has been asked to send it again.',
    )
    const related = await mount('entente-external', { engine: engineWith(differs), record: 'a' })
    expect(related.shadowRoot?.querySelector('.badge.good')).toBeNull()
    expect(words(related)).toContain('Since 14:05, this or another record has differed')
  })

  it('shows the partner’s name as text, whatever it holds', async () => {
    const strange = '<img src=x> \u202Eknab'
    expect(await lineOf(engineWith({ signedAt: at(14, 5) }, { peerName: strange }))).toBe('As <img src=x> U+202Eknab signed it at 14:05')
  })

  it('fits into a narrow column', async () => {
    await page.viewport(320, 700)
    for (const state of ['signed', 'held back', 'differs'] as const) {
      await lineOf(engineWith({ state, signedAt: at(11, 5), since: at(14, 5) }))
      expect(document.documentElement.scrollWidth).toBe(320)
    }
  })
})

describe('the sync page', () => {
  const open = (engine: ReturnType<typeof fakeEngine>) => mount('entente-status', { engine, details: true })

  it('has a row for each connection, for both directions', async () => {
    const feeds = signedFeeds().map((feed) => ({ ...feed, signedAt: feed.whose === 'peer' ? at(14, 5) : at(14, 20) }))
    const engine = fakeEngine({ connections: [connected()], sync: { ...quietLine, signed: feeds } })
    const status = await open(engine)
    expect(textOf(status)).toMatch(/Tessaly & Brook\s+As signed at 14:05\s*As signed at 14:20/)
    expect(await accessibilityProblems()).toEqual([])
    engine.change({ sync: { ...quietLine, signed: feeds.map((feed) => ({ ...feed, signedAt: at(11, 0) })) } }, 'sync')
    await drawn(status)
    expect(textOf(status)).toMatch(
      /3 hours ago, at 11:00: they may be offline, or the relay gives nothing new\s*As signed 3 hours ago, at 11:00\s/,
    )
  })

  it('leaves out a connection that has ended', async () => {
    const engine = fakeEngine({ connections: [connected({ state: 'Disabled' })], sync: { ...quietLine, signed: signedFeeds() } })
    expect(textOf(await open(engine))).not.toContain('Compared with what was signed')
  })

  it('waits for a signature without a word of alarm, and says later that nothing is confirmed', async () => {
    const status = await open(engineWith({ state: 'waiting', signedAt: at(14, 5) }))
    expect(textOf(status)).toContain('Changed since it was signed at 14:05')
    vi.advanceTimersByTime(minute)
    await drawn(status)
    expect(textOf(status)).toContain('Not confirmed yet; last signed at 14:05')
    const fresh = await open(engineWith({ state: 'waiting', signedAt: undefined }))
    expect(textOf(fresh)).toContain('Not signed yet')
  })

  it('names the records that differ, and opens them', async () => {
    const records = [
      { object: 'Opportunity', id: 'a' },
      { object: 'Opportunity', id: 'gone' },
    ] as const
    const engine = engineWith({ state: 'differs', signedAt: at(13, 58), since: at(14, 5), records })
    const status = await open(engine)
    expect(textOf(status)).toMatch(/Differs\s+Opportunities since 14:05; last matched at 13:58\s+Deal a\s*a record that is not here/)
    const opened: unknown[] = []
    status.addEventListener('entente-open', (event) => opened.push((event as CustomEvent).detail))
    button(status, 'Deal a').click()
    expect(opened).toEqual([{ object: 'Opportunity', id: 'a' }])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('names ten of many, and counts the others', async () => {
    const many = Array.from({ length: 34 }, (_, index) => opportunity(`many-${index}`))
    const records = many.map(({ object, id }) => ({ object, id }))
    const status = await open(engineWith({ state: 'differs', since: at(14, 5), records }, {}, many))
    expect(status.shadowRoot?.querySelectorAll('button.link')).toHaveLength(10)
    expect(textOf(status)).toContain('and 24 more')
  })

  it('says that the records have not been found yet, and nothing of records for messages', async () => {
    const status = await open(engineWith({ state: 'differs', since: at(14, 5) }))
    expect(textOf(status)).toContain('In records that have not been found yet')
    const messages = signedFeed({ topic: 'messages', state: 'differs', since: at(14, 5) })
    const other = await open(fakeEngine({ connections: [connected()], sync: { ...quietLine, signed: [messages] } }))
    expect(textOf(other)).toContain('Listings and messages since 14:05')
    expect(textOf(other)).not.toContain('records')
  })

  it('says what is held back, of what the org sends too', async () => {
    const status = await open(engineWith({ whose: 'own', state: 'held back', signedAt: at(13, 58), since: at(14, 5) }))
    expect(textOf(status)).toMatch(/As signed at [\d:]+\s*Held back\s+Opportunities since 14:05; last signed at 13:58/)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('speaks of the org’s own devices only if something is wrong', async () => {
    const team = (state: SignedFeed['state']) =>
      fakeEngine({
        sync: { ...quietLine, signed: [signedFeed({ connection: undefined, whose: 'own', topic: 'rows', state, since: at(14, 5) })] },
      })
    expect(textOf(await open(team('signed')))).not.toContain('devices')
    expect(textOf(await open(team('held back')))).toContain(
      'Between your own org’s devices: the relay has held something back since 14:05.',
    )
    expect(textOf(await open(team('differs')))).toContain('what came differs from what was signed since 14:05')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('fits into a narrow column', async () => {
    await page.viewport(320, 700)
    await open(engineWith({ state: 'differs', signedAt: at(13, 58), since: at(14, 5), records: [{ object: 'Opportunity', id: 'a' }] }))
    expect(document.documentElement.scrollWidth).toBe(320)
    expect(await accessibilityProblems()).toEqual([])
  })
})

describe('a word of it where no details are shown', () => {
  it('stands in the state of the line, and is told to the page', async () => {
    const heard: unknown[] = []
    const engine = engineWith({})
    const status = await mount('entente-status', { engine })
    status.addEventListener('entente-status-change', (event) => heard.push((event as CustomEvent).detail))
    for (const state of ['held back', 'differs', 'signed'] as const) {
      engine.change({ sync: { ...quietLine, signed: signedFeeds({ state }) } }, 'sync')
      await drawn(status)
      expect(textOf(status).includes('Held back by the relay')).toBe(state === 'held back')
      expect(textOf(status).includes('Differs from what was signed')).toBe(state === 'differs')
      expect(await accessibilityProblems()).toEqual([])
    }
    expect(heard).toMatchObject([{ trouble: 'held back' }, { trouble: 'differs' }, { trouble: undefined }])
  })

  it('stands beside the connection that it concerns', async () => {
    const connections = [connected(), connected({ id: 'D'.repeat(22) as ReturnType<typeof connected>['id'], peerName: 'Zelkova' })]
    const engine = fakeEngine({ connections, sync: { ...quietLine, signed: signedFeeds({ state: 'differs' }) } })
    const connect = await mount('entente-connect', { engine })
    const cards = [...(connect.shadowRoot?.querySelectorAll('section[aria-label^=Connection]') ?? [])]
    expect(cards.map((card) => card.textContent?.includes('Differs from what was signed'))).toEqual([true, false])
    expect(await accessibilityProblems()).toEqual([])
  })
})
