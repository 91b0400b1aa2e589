import type { Why } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { agreed, connected, mirror, opportunity, share } from '../testing/scenes.js'

const scene = { records: [opportunity('a')], connections: [connected()], agreement: agreed() }

describe('the mirror on Vera’s record', () => {
  it('shows the partner’s values beside hers, and says “not shared” and “unreadable” instead of nothing', async () => {
    const related = await mount('entente-external', { engine: fakeEngine({ ...scene, mirrors: [mirror()] }), record: 'a' })
    expect(textOf(related)).toContain('Tessaly & Brook')
    expect(textOf(related)).toContain('Call the buyer')
    expect(textOf(related)).toMatch(/Opportunity Name\s+not shared now/)
    expect(textOf(related)).toMatch(/Amount\s+unreadable/)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('tints what differs, as the engine compares it', async () => {
    const { fields, ...rest } = mirror()
    const engine = fakeEngine({
      ...scene,
      mirrors: [{ ...rest, fields: fields.map((line) => ({ ...line, differs: line.name === 'StageName' })) }],
    })
    const related = await mount('entente-external', { engine, record: 'a' })
    const tinted = [...(related.shadowRoot?.querySelectorAll('tr.differs') ?? [])].map((row) =>
      row.textContent?.replace(/\s+/g, ' ').trim(),
    )
    expect(tinted).toEqual([expect.stringContaining('Stage Closed Won Qualification')])
  })

  it('has no control with which it could be edited (row 68)', async () => {
    const related = await mount('entente-external', { engine: fakeEngine({ ...scene, mirrors: [mirror()] }), record: 'a' })
    expect(related.shadowRoot?.querySelectorAll('input, select, textarea, button, [contenteditable]')).toHaveLength(0)
    expect(textOf(related)).toContain('Read only')
  })

  it('says how old it is once it is frozen', async () => {
    const frozen = mirror({ state: 'frozen', changedAt: Date.now() - 3 * 86_400_000 })
    const related = await mount('entente-external', { engine: fakeEngine({ ...scene, mirrors: [frozen] }), record: 'a' })
    expect(textOf(related)).toContain('Frozen, last heard 3 days ago')
  })

  it('is not live while this device is offline: it says as of when it is', async () => {
    const offline = { ...quietLine, state: 'offline' as const, lastSynced: Date.now() - 3_600_000 }
    const related = await mount('entente-external', { engine: fakeEngine({ ...scene, mirrors: [mirror()], sync: offline }), record: 'a' })
    expect(textOf(related)).toContain('Offline, as of 1 hour ago')
    expect(textOf(related)).not.toContain('Live')
  })

  it('says as of when it was signed, where this page was opened without a line', async () => {
    const offline = { ...quietLine, state: 'offline' as const, lastSynced: undefined }
    const signed = { state: 'signed' as const, signedAt: Date.now() - 7_200_000, since: undefined }
    const related = await mount('entente-external', {
      engine: fakeEngine({ ...scene, mirrors: [mirror({ signed })], sync: offline }),
      record: 'a',
    })
    expect(textOf(related)).toContain('Offline, as of 2 hours ago')
  })

  it('follows an edit of the partner', async () => {
    const engine = fakeEngine({ ...scene, mirrors: [mirror()] })
    const related = await mount('entente-external', { engine, record: 'a' })
    const later = mirror()
    engine.change(
      {
        mirrors: [{ ...later, fields: later.fields.map((line) => (line.name === 'NextStep' ? { ...line, value: 'Demo booked' } : line)) }],
      },
      'mirrors',
    )
    await drawn(related)
    expect(textOf(related)).toContain('Demo booked')
  })

  it('says of a record that is not there that it is not there, and not that nobody follows it', async () => {
    const engine = fakeEngine(scene)
    expect(textOf(await mount('entente-external', { engine, record: 'a' }))).toContain('No connected org follows this record')
    expect(textOf(await mount('entente-external', { engine, record: 'gone' }))).toMatch(/has no Opportunity “gone”/)
    expect(textOf(await mount('entente-external', { engine }))).toContain('No record is named')
    expect(textOf(await mount('entente-external', { engine, object: 'Contact' as 'Lead', record: 'a' }))).toContain(
      'The object is “Contact”',
    )
    expect(await accessibilityProblems()).toEqual([])
  })

  it('says why it has ended, and what a failed or stopped share is', async () => {
    const told = async (part: Parameters<typeof fakeEngine>[0]): Promise<string> =>
      textOf(await mount('entente-external', { engine: fakeEngine({ ...scene, ...part }), record: 'a' }))
    const frozen = (why: Why) => told({ mirrors: [mirror({ state: 'frozen', why })] })
    const at = Date.UTC(2026, 10, 3, 12)
    expect(await frozen({ what: 'stopped', by: 'own', at })).toContain('Your org stopped sharing its record on 3 Nov 2026')
    expect(await frozen({ what: 'deleted', by: 'peer', at })).toContain('Tessaly & Brook deleted its record on 3 Nov 2026')
    expect(await frozen({ what: 'unagreed', by: 'both', at: undefined })).toContain('No agreement in force lets a field keep flowing.')
    const { fields } = mirror()
    const nothingSent = mirror({ state: 'frozen', why: { what: 'deleted', by: 'peer', at }, fields: fields.slice(0, 1) })
    expect(await frozen({ what: 'deleted', by: 'peer', at })).toContain('These are the last values.')
    const deleted = await told({ mirrors: [nothingSent] })
    expect(deleted).toContain('Tessaly & Brook deleted its record on 3 Nov 2026')
    expect(deleted).not.toMatch(/last values|not shared now|Theirs/)
    expect(await told({ mirrors: [mirror({ state: 'frozen', why: { what: 'deleted', by: 'peer', at } })] })).not.toContain('not shared now')
    expect(await frozen({ what: 'disconnected', by: 'peer', at: undefined })).toContain('Tessaly & Brook ended the connection.')
    expect(await told({ shares: [share({ on: false, state: 'failed' })] })).toContain('The export to Tessaly & Brook failed.')
    const cancelled = share({
      on: false,
      state: 'failed',
      errors: [{ record: 'a', field: '', rule: 'cancelled', message: 'No.', fix: 'No.' }],
    })
    expect(await told({ shares: [cancelled] })).toMatch(/Tessaly & Brook cancelled this export before it was imported\. \s*$/)
    const list = await mount('entente-shares', { engine: fakeEngine({ ...scene, shares: [cancelled] }), record: 'a' })
    expect(textOf(list)).toMatch(/Cancelled.*Tessaly & Brook cancelled this export before it was imported\./)
    expect(textOf(list)).not.toMatch(/failed|No\./)
    expect(await told({ shares: [share({ on: false, state: 'exporting' })] })).toContain('The export to Tessaly & Brook is under way.')
    const why = { what: 'deleted', by: 'peer', at: undefined } as const
    expect(await told({ shares: [share({ state: 'ended', why })] })).toContain('Tessaly & Brook deleted its record.')
  })

  it('says that the partner has a copy but has not edited it yet', async () => {
    const related = await mount('entente-external', { engine: fakeEngine({ ...scene, shares: [share()] }), record: 'a' })
    expect(textOf(related)).toContain('has a copy, and has not edited')
  })
})

describe('the shares of Vera’s record', () => {
  it('stop and resume, and show what went wrong with its fix', async () => {
    const error = {
      record: 'a',
      field: 'StageName',
      value: 'Closed Won',
      rule: 'offered value',
      message: 'No counterpart.',
      fix: 'Map the value.',
    }
    const stuck = share({ state: 'stuck', outbound: 'UpdatePublishFieldMapError', errors: [error] })
    const engine = fakeEngine({ ...scene, shares: [stuck] })
    const shares = await mount('entente-shares', { engine, record: 'a' })
    expect(textOf(shares)).toMatch(/Update: field mapping.*does not get through.*Stage \(Closed Won\): No counterpart\. Map the value\./s)
    button(shares, 'Stop sharing').click()
    await drawn(shares)
    const why = { what: 'stopped', by: 'own', at: Date.UTC(2026, 10, 3, 12) } as const
    engine.change({ shares: [share({ on: false, state: 'ended', why, receipt: undefined })] }, 'records')
    await drawn(shares)
    expect(textOf(shares)).toContain('Your org stopped sharing its record on 3 Nov 2026')
    button(shares, 'Resume').click()
    await drawn(shares)
    expect(engine.calls).toEqual([
      ['stopSharing', 'map'],
      ['resumeSharing', 'map'],
    ])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('say one thing at a time, with three ticks: saved here, at the relay, read by the partner', async () => {
    const ticks = async (part: Parameters<typeof share>[0]): Promise<string> => {
      const shares = await mount('entente-shares', { engine: fakeEngine({ ...scene, visible: [], shares: [share(part)] }), record: 'a' })
      return textOf(shares)
    }
    const read = await ticks({})
    expect(read).toMatch(/Up to date.*has read your latest edit.*Saved here.*At the relay.*Read by Tessaly & Brook/s)
    expect(read).not.toContain('Does not see it')
    const edit = Date.now() - 60_000
    const sent = await ticks({ state: 'sending', receipt: { reached: 'relay', edited: edit, relayed: edit, read: undefined } })
    expect(sent).toMatch(/On its way.*has not read it yet.*At the relay.*Not read by Tessaly & Brook yet/s)
    expect(await accessibilityProblems()).toEqual([])
    const ended = await ticks({ state: 'ended', why: { what: 'disconnected', by: 'peer', at: undefined }, receipt: undefined })
    expect(ended).toContain('Tessaly & Brook ended the connection.')
    expect(ended).not.toMatch(/Up to date|Resume/)
  })

  it('say by whom and when they ended, and are offered to be stopped here as long as they still send', async () => {
    const said = async (what: Why['what']): Promise<string> => {
      const why = { what, by: 'peer', at: Date.UTC(2026, 10, 3, 12) } as const
      const ended = share({ state: 'ended', why, receipt: undefined })
      return textOf(await mount('entente-shares', { engine: fakeEngine({ ...scene, visible: [], shares: [ended] }), record: 'a' }))
    }
    const stopped = await said('stopped')
    expect(stopped).toContain('Tessaly & Brook stopped sharing its record on 3 Nov 2026')
    expect(stopped).not.toContain('Stop sharing')
    for (const half of [stopped, await said('deleted')]) expect(half).toMatch(/Stop here too.*still sent until you stop here too/s)
    expect(await said('disconnected')).not.toMatch(/Stop|still sent/)
    expect(await said('paused')).toContain('Stop sharing')
  })

  it('is shown to a partner, or kept from it, by hand', async () => {
    const engine = fakeEngine(scene)
    const shares = await mount('entente-shares', { engine, record: 'a' })
    const choice = shares.shadowRoot?.querySelector('select')
    if (!choice) throw new Error('there is no choice')
    choice.value = 'hidden'
    choice.dispatchEvent(new Event('change', { bubbles: true }))
    await drawn(shares)
    const rule = { match: 'all', conditions: [], added: [], hidden: ['a'] }
    expect(engine.calls).toContainEqual(['setRule', connected().id, 'Opportunity', rule])
    expect(await accessibilityProblems()).toEqual([])
  })
})
