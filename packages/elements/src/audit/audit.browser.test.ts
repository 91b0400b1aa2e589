import type { AuditEntry } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { connected, connectionId } from '../testing/scenes.js'

const entry = (sequence: number, part: Partial<AuditEntry> = {}): AuditEntry => ({
  sequence,
  at: Date.UTC(2027, 0, 15, 10, sequence),
  kind: 'export',
  org: 'own',
  by: 'vera',
  device: 'D'.repeat(43),
  connection: connectionId,
  version: 3,
  object: 'Lead',
  count: 12,
  about: undefined,
  signed: 'S'.repeat(43),
  previous: 'P'.repeat(43),
  hash: 'H'.repeat(43),
  ...part,
})
const audit = [
  entry(3, {
    kind: 'refusal',
    org: 'own',
    by: undefined,
    object: undefined,
    count: undefined,
    version: undefined,
    about: 'A proposal: it is not signed',
  }),
  entry(2, { org: 'peer', kind: 'consent', object: undefined, count: undefined, by: 'paul' }),
  entry(1),
]

describe('the audit, at Vera’s screen', () => {
  it('says in words that an export was recalled', async () => {
    const recall = entry(1, { kind: 'other', about: 'recall', object: undefined, count: undefined })
    const page = await mount('entente-audit', { engine: fakeEngine({ connections: [connected()], audit: [recall] }) })
    await drawn(page)
    expect(find(page, 'tbody th').textContent).toBe('recalled an export')
  })

  it('lists who did what, whether both hold the same, and what the check found', async () => {
    const engine = fakeEngine({ connections: [connected()], audit })
    const page = await mount('entente-audit', { engine })
    await drawn(page)
    expect(textOf(page)).toContain('You and Tessaly & Brook hold the same signed messages')
    expect(page.shadowRoot?.querySelectorAll('tbody tr')).toHaveLength(3)
    expect(textOf(page)).toContain('exported records (leads)')
    expect(textOf(page)).toContain('A proposal: it is not signed')
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Check the list').click()
    await drawn(page)
    await drawn(page)
    expect(textOf(page)).toContain('All 3 lines are as they were written')
    engine.change({ auditCheck: { entries: 3, broken: { sequence: 2, what: 'changed' } } })
    button(page, 'Check the list').click()
    await drawn(page)
    await drawn(page)
    expect(find(page, '[role=alert]').textContent).toContain('Line 2 was changed')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('shows one kind, and older ones on request', async () => {
    const many = Array.from({ length: 150 }, (_, index) => entry(150 - index, index % 2 === 0 ? {} : { kind: 'grant', about: 'paul' }))
    const engine = fakeEngine({ connections: [connected()], audit: many })
    const page = await mount('entente-audit', { engine })
    await drawn(page)
    expect(page.shadowRoot?.querySelectorAll('tbody tr')).toHaveLength(100)
    button(page, 'Show older ones').click()
    await drawn(page)
    await drawn(page)
    expect(page.shadowRoot?.querySelectorAll('tbody tr')).toHaveLength(150)
    const kind = find<HTMLSelectElement>(page, 'select[aria-label="What happened"]')
    kind.value = 'grant'
    kind.dispatchEvent(new Event('change'))
    await drawn(page)
    await drawn(page)
    expect(page.shadowRoot?.querySelectorAll('tbody tr')).toHaveLength(75)
  })
})
