import { type DraftView, EngineError, type HistoryChange, type RecordView, type UndoResult, type UndoStep } from '@entente/engine'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Notification } from '../base/toast.js'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { opportunity } from '../testing/scenes.js'

afterEach(() => vi.useRealTimers())

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
    await expect.poll(() => engine.calls.filter(([call]) => call === 'edit')).toEqual([['edit', 'Opportunity', 'a', saved]])
  })

  it('goes on saying how long ago the record was changed', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: Date.UTC(2027, 0, 15) })
    const engine = fakeEngine({ records: [{ ...opportunity('a'), changedAt: Date.now() - 16_000 }] })
    const form = await mount('entente-record', { engine, record: 'a' })
    expect(textOf(form)).toContain('changed 16')
    vi.advanceTimersByTime(20_000)
    await drawn(form)
    expect(textOf(form)).toContain('changed 36')
  })

  it('saves once on a double click, and not at all when the page says no', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const form = await mount('entente-record', { engine, record: 'a' })
    type(find(form, '#field-NextStep'), 'Twice')
    await drawn(form)
    button(form, 'Save').click()
    button(form, 'Save').click()
    await drawn(form)
    expect(engine.calls.filter(([call]) => call === 'edit')).toHaveLength(1)
    form.addEventListener('entente-before-save', (event) => event.preventDefault())
    type(find(form, '#field-NextStep'), 'Never')
    await drawn(form)
    button(form, 'Save').click()
    await drawn(form)
    expect(engine.calls.filter(([call]) => call === 'edit')).toHaveLength(1)
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

describe('what Vera typed and did not save', () => {
  const kept: DraftView = {
    object: 'Opportunity',
    id: 'a',
    isNew: false,
    at: new Date().setHours(0, 5, 0, 0),
    values: { NextStep: 'Call', Amount: { amount: '7', currency: 'EUR' } },
    changed: ['Amount'],
  }
  const input = (element: HTMLInputElement, value: string): void => {
    element.value = value
    element.dispatchEvent(new Event('input', { bubbles: true }))
  }

  it('is kept within a second, also a number that is not complete, and goes with the save', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const form = await mount('entente-record', { engine, record: 'a' })
    input(find(form, '#field-NextStep'), 'Ca')
    input(find(form, '#field-NextStep'), 'Call')
    input(find(form, '#field-Amount'), '1,2')
    expect(form.isDirty).toBe(true)
    await expect.poll(() => engine.calls, { timeout: 1_000 }).toHaveLength(1)
    expect(engine.calls).toEqual([['keepDraft', 'Opportunity', 'a', { NextStep: 'Call', Amount: { amount: '1,2', currency: 'EUR' } }]])
    type(find(form, '#field-Amount'), '1,200')
    await drawn(form)
    button(form, 'Save').click()
    await expect.poll(() => engine.calls.at(-1)).toEqual(['dropDraft', 'Opportunity', 'a', ['NextStep', 'Amount']])
    expect(form.isDirty).toBe(false)
    expect(textOf(form)).not.toContain('unsaved')
  })

  it('is written when she goes to another page at once', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const form = await mount('entente-record', { engine, record: 'a' })
    input(find(form, '#field-NextStep'), 'Call')
    form.remove()
    await Promise.resolve()
    expect(engine.calls).toEqual([['keepDraft', 'Opportunity', 'a', { NextStep: 'Call' }]])
  })

  it('is offered when she comes back, with what changed meanwhile', async () => {
    const engine = fakeEngine({ records: [opportunity('a')], drafts: [kept] })
    const form = await mount('entente-record', { engine, record: 'a' })
    expect(textOf(form)).toContain('You have unsaved changes from 00:05.')
    expect(textOf(form)).toContain('Amount was changed in the record since you typed.')
    expect(await accessibilityProblems()).toEqual([])
    button(form, 'Keep').click()
    await drawn(form)
    expect(find<HTMLInputElement>(form, '#field-NextStep').value).toBe('Call')
    expect(textOf(form)).toContain('2 unsaved changes')
    expect(textOf(form)).toContain('Amount was changed in the record since you typed.')
    expect(form.shadowRoot?.querySelector('#kept')).toBeNull()
  })

  it('goes when she discards it', async () => {
    const engine = fakeEngine({ records: [opportunity('a')], drafts: [kept] })
    const form = await mount('entente-record', { engine, record: 'a' })
    button(form, 'Discard').click()
    await drawn(form)
    expect(engine.calls).toEqual([['dropDraft', 'Opportunity', 'a', ['NextStep', 'Amount']]])
    expect(textOf(form)).not.toContain('unsaved changes')
  })

  it('comes back when she did not mean to discard it', async () => {
    const form = await mount('entente-record', { engine: fakeEngine({ records: [opportunity('a')] }), record: 'a' })
    input(find(form, '#field-NextStep'), 'A long thought')
    find(form, '#field-NextStep').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, composed: true }))
    await drawn(form)
    expect(form.isDirty).toBe(false)
    toastButton('Undo').click()
    await expect.poll(() => find<HTMLInputElement>(form, '#field-NextStep').value).toBe('A long thought')
    await expect.poll(() => toast()?.textContent).toContain('Your changes are back.')
  })

  it('of a new record is offered to the next new form, and goes with the creation', async () => {
    const fresh = { ...kept, id: 'new.1', isNew: true, changed: [], values: { Name: 'Rollout' } }
    const engine = fakeEngine({ drafts: [fresh] })
    const form = await mount('entente-record', { engine })
    button(form, 'Keep').click()
    await drawn(form)
    expect(find<HTMLInputElement>(form, '#field-Name').value).toBe('Rollout')
    button(form, 'Create').click()
    await expect.poll(() => engine.calls.at(-1)).toEqual(['create', 'Opportunity', { Name: 'Rollout' }, 'new.1'])
  })

  it('makes the browser ask on closing, and only then', async () => {
    const form = await mount('entente-record', { engine: fakeEngine({ records: [opportunity('a')] }), record: 'a' })
    const asks = (): boolean => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))
    expect(asks()).toBe(false)
    input(find(form, '#field-NextStep'), 'Call')
    await drawn(form)
    expect(asks()).toBe(true)
    form.remove()
    expect(asks()).toBe(false)
  })
})

describe('what Vera did', () => {
  const step: UndoStep = {
    id: 's',
    kind: 'save',
    at: Date.now(),
    object: 'Opportunity',
    record: 'a',
    name: undefined,
    records: 1,
  }
  const undone: UndoResult = {
    step,
    records: 1,
    removed: 0,
    fields: ['NextStep', 'StageName'],
    left: [{ object: 'Opportunity', record: 'a', field: 'Amount', why: 'changed' }],
  }

  it('can be undone from the toast, which says what came back and what did not', async () => {
    const engine = fakeEngine({ records: [opportunity('a')], steps: [step], undone })
    const form = await mount('entente-record', { engine, record: 'a' })
    type(find(form, '#field-NextStep'), 'Call')
    await drawn(form)
    button(form, 'Save').click()
    await expect.poll(() => toast()?.textContent).toContain('Saved.')
    expect(await accessibilityProblems()).toEqual([])
    toastButton('Undo').click()
    await expect.poll(() => toast()?.textContent).toContain('Restored 2 fields; Amount was changed since.')
    expect(engine.calls.at(-1)).toEqual(['undo', 's'])
    toastButton('×').click()
    expect(toast()?.host.checkVisibility()).toBe(false)
  })

  it('can be undone on the record’s page later, also a deletion', async () => {
    const engine = fakeEngine({ steps: [{ ...step, kind: 'delete' }], undone: { ...undone, step: { ...step, kind: 'delete' }, left: [] } })
    const form = await mount('entente-record', { engine, record: 'a' })
    expect(textOf(form)).toContain('is not here')
    expect(await accessibilityProblems()).toEqual([])
    button(form, 'Undo').click()
    await drawn(form)
    engine.change({ records: [opportunity('a')], steps: [] }, 'records', 'undo')
    await drawn(form)
    expect(textOf(form)).toContain('The record is back, and shared as before.')
  })

  it('is the page’s to show where it wants to', async () => {
    const engine = fakeEngine({ records: [opportunity('a')], steps: [step], undone })
    const form = await mount('entente-record', { engine, record: 'a' })
    const heard: Notification[] = []
    const hear = (event: Event): void => {
      event.preventDefault()
      heard.push((event as CustomEvent<Notification>).detail)
    }
    document.addEventListener('entente-notify', hear, { once: true })
    type(find(form, '#field-NextStep'), 'Call')
    await drawn(form)
    button(form, 'Save').click()
    await expect.poll(() => heard).toHaveLength(1)
    expect(toast()).toBeUndefined()
    expect(await heard[0]?.undo?.()).toBe('Restored 2 fields; Amount was changed since.')
  })

  it('is a deletion only after she agreed, with the keyboard alone', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const form = await mount('entente-record', { engine, record: 'a' })
    const remove = button(form, 'Delete')
    remove.focus()
    remove.click()
    const dialog = find<HTMLDialogElement>(form, 'dialog')
    expect(dialog.open).toBe(true)
    expect(form.shadowRoot?.activeElement?.textContent).toBe('Cancel')
    expect(await accessibilityProblems()).toEqual([])
    dialog.dispatchEvent(new Event('cancel', { cancelable: true }))
    dialog.close()
    // A dialog tells that it closed in a later task.
    await expect.poll(() => form.shadowRoot?.querySelector('dialog')).toBeNull()
    expect(form.shadowRoot?.activeElement).toBe(remove)
    expect(engine.calls).toEqual([])
    remove.click()
    find<HTMLButtonElement>(form, 'dialog .danger').click()
    await expect.poll(() => engine.calls.map(([call]) => call)).toContain('remove')
  })
})

/** The toast, while there is one in the page. */
function toast(): ShadowRoot | undefined {
  return [...document.querySelectorAll('[popover]')].find((host) => host.isConnected)?.shadowRoot ?? undefined
}

function toastButton(text: string): HTMLButtonElement {
  const found = [...(toast()?.querySelectorAll('button') ?? [])].find((each) => each.textContent === text)
  if (!found) throw new Error(`The toast has no button “${text}”.`)
  return found
}

describe('Vera’s lead', () => {
  const lead: RecordView = { ...opportunity('l', { LastName: 'Ada', Company: 'Acme', Status: 'Open - Not Contacted' }), object: 'Lead' }

  it('becomes an opportunity by a form of what that needs, and is read only then', async () => {
    const engine = fakeEngine({ records: [lead] })
    const form = await mount('entente-record', { engine, object: 'Lead', record: 'l' })
    const opened: unknown[] = []
    form.addEventListener('entente-open', (event) => opened.push((event as CustomEvent<unknown>).detail))
    button(form, 'Convert').click()
    await drawn(form)
    expect(find<HTMLInputElement>(form, '#convert-Name').value).toBe('Acme')
    expect(await accessibilityProblems()).toEqual([])
    type(find(form, '#convert-CloseDate'), '2027-03-31')
    form.shadowRoot?.querySelector<HTMLButtonElement>('#convert button.primary')?.click()
    const values = { Name: 'Acme', StageName: 'Prospecting', CloseDate: '2027-03-31' }
    await expect.poll(() => engine.calls.filter(([call]) => call === 'convert')).toEqual([['convert', 'l', values]])
    await expect.poll(() => opened).toEqual([{ object: 'Opportunity', id: 'new-record' }])

    engine.change({ records: [{ ...lead, converted: 'o' }] }, 'records')
    await drawn(form)
    expect(textOf(form)).toContain('This lead was converted')
    expect(form.shadowRoot?.querySelector('.actions')).toBeNull()
    button(form, 'Open the opportunity').click()
    expect(opened.at(-1)).toEqual({ object: 'Opportunity', id: 'o' })
    expect(await accessibilityProblems()).toEqual([])
  })
})

describe('what became of a record', () => {
  const change: HistoryChange = {
    id: 'change-2',
    field: 'NextStep',
    from: 'Call',
    to: 'Send the offer',
    at: Date.UTC(2027, 0, 15, 9),
    person: 'vera',
    personName: 'Vera',
    device: undefined,
    deviceName: undefined,
    own: true,
    present: true,
  }
  const older: HistoryChange = { ...change, id: 'change-1', from: null, to: 'Call', personName: undefined, own: false, present: false }

  it('is read once it is opened, says who changed what, and puts it back', async () => {
    const engine = fakeEngine({ records: [opportunity('a')], history: [change, older] })
    let read = 0
    const of = engine.history.of
    Object.assign(engine.history, { of: (...args: Parameters<typeof of>) => (read++, of(...args)) })
    const element = await mount('entente-record', { engine, record: 'a' })
    expect(read).toBe(0)
    find<HTMLDetailsElement>(element, 'details.history').open = true
    await vi.waitFor(() => expect(textOf(element)).toContain('Send the offer'))
    expect(read).toBe(1)
    expect(textOf(element)).toMatch(/Call\s+→\s+to\s+Send the offer\s+Vera on this device/)
    expect(textOf(element)).toMatch(/empty\s+→\s+to\s+Call\s+Somebody on another device/)
    expect(await accessibilityProblems()).toEqual([])
    const buttons = [...(element.shadowRoot?.querySelectorAll<HTMLButtonElement>('.changes button') ?? [])]
    buttons[0]?.click()
    await vi.waitFor(() => expect(engine.calls.at(-1)).toEqual(['putBack', 'Opportunity', 'a', 'change-2', false]))
    // Changed again since: asked first.
    buttons[1]?.click()
    await drawn(element)
    find<HTMLButtonElement>(element, 'dialog .danger').click()
    await vi.waitFor(() => expect(engine.calls.at(-1)).toEqual(['putBack', 'Opportunity', 'a', 'change-1', true]))
  })

  it('says so where nothing was changed, and shows a value that lies as a text', async () => {
    const engine = fakeEngine({ records: [opportunity('a')] })
    const element = await mount('entente-record', { engine, record: 'a' })
    find<HTMLDetailsElement>(element, 'details.history').open = true
    await vi.waitFor(() => expect(textOf(element)).toContain('Nothing was changed'))
    const odd = {
      ...change,
      field: 'Gone__c',
      from: { a: '<b>' },
      to: '\u202Eevil',
      personName: '<i>Eve</i>',
      own: false,
      deviceName: '\u202Ex',
    }
    engine.change({ records: [{ ...opportunity('a'), changedAt: 7 }], history: [odd] }, 'records')
    await vi.waitFor(() => expect(textOf(element)).toContain('Eve'))
    expect(element.shadowRoot?.querySelector('.changes b, .changes i')).toBeNull()
  })
})
