import { EngineError } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { opportunity } from '../testing/scenes.js'

const type = (input: HTMLInputElement | HTMLSelectElement, value: string): void => {
  input.value = value
  input.dispatchEvent(new Event('change', { bubbles: true }))
}

describe('Vera’s form of one opportunity', () => {
  it('saves only what she changed, in the form that the engine takes', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const form = await mount('entente-record', { engine, record: 'a' })
    expect(button(form, 'Save').disabled).toBe(true)
    type(find(form, '#field-Amount'), '1,900.50')
    type(find(form, '#field-NextStep'), 'Call on Monday')
    button(form, 'Closed Won').click()
    await drawn(form)
    expect(textOf(form)).toContain('3 unsaved changes')
    button(form, 'Save').click()
    await drawn(form)
    const saved = { Amount: { amount: '1900.50', currency: 'EUR' }, NextStep: 'Call on Monday', StageName: 'Closed Won' }
    expect(engine.calls).toEqual([['edit', 'Opportunity', 'a', saved]])
  })

  it('saves once on a double click, and not at all when the page says no', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const form = await mount('entente-record', { engine, record: 'a' })
    type(find(form, '#field-NextStep'), 'Twice')
    await drawn(form)
    button(form, 'Save').click()
    button(form, 'Save').click()
    await drawn(form)
    expect(engine.calls).toHaveLength(1)
    form.addEventListener('entente-before-save', (event) => event.preventDefault())
    type(find(form, '#field-NextStep'), 'Never')
    await drawn(form)
    button(form, 'Save').click()
    await drawn(form)
    expect(engine.calls).toHaveLength(1)
  })

  it('names each wrong field, moves the focus there, and keeps what was typed', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    engine.refuse(
      'edit',
      new EngineError('INVALID', 'The record was not saved.', [
        { code: 'RANGE', field: 'Amount', rule: 'scale', message: 'Amount has too many decimal places.', fix: 'Use at most 2.' },
      ]),
    )
    const form = await mount('entente-record', { engine, record: 'a' })
    type(find(form, '#field-Amount'), '1.999')
    await drawn(form)
    button(form, 'Save').click()
    await drawn(form)
    expect(form.shadowRoot?.activeElement?.id).toBe('summary')
    expect(find(form, '#field-Amount').getAttribute('aria-invalid')).toBe('true')
    expect(find<HTMLInputElement>(form, '#field-Amount').value).toBe('1.999')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('says so when the record is gone', async () => {
    const form = await mount('entente-record', { engine: fakeEngine(), record: 'gone' })
    expect(textOf(form)).toContain('is not here')
  })

  it('is accessible as an empty form and as a filled one', async () => {
    await mount('entente-record', { engine: fakeEngine() })
    expect(await accessibilityProblems()).toEqual([])
    await mount('entente-record', { engine: fakeEngine({ records: [opportunity('a', { IsPrivate: true })] }), record: 'a' })
    expect(await accessibilityProblems()).toEqual([])
  })
})
