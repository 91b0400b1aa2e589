import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, drawn, find, mount, textOf } from '../testing/mount.js'
import { opportunity } from '../testing/scenes.js'

const choose = (select: HTMLSelectElement, value: string): void => {
  select.value = value
  select.dispatchEvent(new Event('change', { bubbles: true }))
}

describe('what Vera chooses', () => {
  it('goes to the engine, of all currencies and of many languages', async () => {
    const engine = fakeEngine()
    const settings = await mount('entente-settings', { engine })
    const [currency, locale] = [...(settings.shadowRoot?.querySelectorAll('select') ?? [])]
    if (!currency || !locale) throw new Error('There is nothing to choose.')
    expect(currency.options.length).toBeGreaterThan(100)
    choose(currency, 'SEK')
    choose(locale, 'sv-SE')
    choose(locale, '')
    await drawn(settings)
    expect(engine.calls).toEqual([
      ['changeSettings', { currency: 'SEK' }],
      ['changeSettings', { locale: 'sv-SE' }],
    ])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('counts at once in every element: amounts, dates and what is typed', async () => {
    const engine = fakeEngine({ records: [opportunity('a', { Amount: { amount: '1234.5', currency: 'EUR' } })] })
    const records = await mount('entente-records', { engine })
    expect(textOf(records)).toContain('€1,234.5')
    engine.change({ settings: { ...fakeEngine().scene.settings, currency: 'SEK', locale: 'de-DE' } }, 'settings')
    await drawn(records)
    expect(textOf(records)).toContain('1.234,5')
    const form = await mount('entente-record', { engine })
    expect(find<HTMLSelectElement>(form, '.money select').value).toBe('SEK')
    choose(find<HTMLSelectElement>(form, '.money select'), 'NOK')
    const amount = find<HTMLInputElement>(form, '.money input')
    amount.value = '12,50'
    amount.dispatchEvent(new Event('change', { bubbles: true }))
    await drawn(form)
    expect(amount.value).toBe('12,50')
    form.shadowRoot?.querySelector('form')?.requestSubmit()
    await drawn(form)
    const created = engine.calls.find(([action]) => action === 'create')
    expect(created?.slice(0, 3)).toEqual(['create', 'Opportunity', { Amount: { amount: '12.50', currency: 'NOK' } }])
  })

  it('is the org’s currency only for an admin', async () => {
    const settings = await mount('entente-settings', { engine: fakeEngine({ role: 'member' }) })
    expect(find<HTMLSelectElement>(settings, 'select').disabled).toBe(true)
    expect(textOf(settings)).toContain('Only an admin')
  })
})
