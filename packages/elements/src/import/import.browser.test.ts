import {
  convertRows,
  decodeCsvBytes,
  guessColumns,
  type ImportView,
  parseCsv,
  proposeCustomField,
  readCell,
  type RecordView,
  writeBadRows,
} from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, type FakeEngine, type Scene } from '../testing/fake-engine.js'
import { accessibilityProblems, button, find, mount, textOf } from '../testing/mount.js'
import type { EntenteImport } from './import.js'

const csv = { convertRows, decodeCsvBytes, guessColumns, parseCsv, proposeCustomField, readCell, writeBadRows }

async function choose(name: string, text: string, scene: Partial<Scene> = {}): Promise<{ engine: FakeEngine; dialog: EntenteImport }> {
  const engine = fakeEngine(scene)
  const dialog = await mount('entente-import', { engine, csv })
  dialog.open()
  await shows(dialog, 'Choose a CSV file')
  const files = new DataTransfer()
  files.items.add(new File([text], name))
  const input = find<HTMLInputElement>(dialog, 'input[type=file]')
  input.files = files.files
  input.dispatchEvent(new Event('change'))
  return { engine, dialog }
}

const shows = (dialog: EntenteImport, text: string): Promise<void> => expect.poll(() => textOf(dialog), { timeout: 5_000 }).toContain(text)

const good =
  'Name,StageName,CloseDate,Amount (EUR),Region\nRollout,Qualification,2027-03-01,"1,200",North\nPilot,Closed Won,2027-04-01,300,South\n'

describe('importing Vera’s file', () => {
  it('guesses the columns, checks the rows, and creates records and a new field only then', async () => {
    const { engine, dialog } = await choose('deals.csv', good)
    await shows(dialog, 'Check 2 rows')
    expect(await accessibilityProblems()).toEqual([])
    const region = find<HTMLSelectElement>(dialog, 'select[aria-label="Field for Region"]')
    region.value = '+'
    region.dispatchEvent(new Event('change'))
    button(dialog, 'Check 2 rows').click()
    await shows(dialog, '2 rows make new records')
    expect(engine.calls).toEqual([])
    button(dialog, 'Import 2').click()
    await shows(dialog, '2 opportunities imported')
    expect(engine.calls.map(([action]) => action)).toEqual(['addField', 'startImport', 'runImport'])
    expect(engine.calls[1]?.slice(1)).toMatchObject([
      'Opportunity',
      'deals.csv',
      [{ values: { Name: 'Rollout', Region__c: 'North' } }, { values: { Name: 'Pilot', Region__c: 'South' } }],
    ])
  })

  it('draws the columns of a wide file some at a time, so that the page stays responsive', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `Column ${index}`)
    const { dialog } = await choose('wide.csv', `${names.join(',')}\n${names.map((_, index) => index).join(',')}\n`)
    const drawn: number[] = []
    const count = (): number => dialog.renderRoot.querySelectorAll('tbody tr').length
    new MutationObserver(() => drawn.push(count())).observe(dialog.renderRoot, { childList: true, subtree: true })
    await expect.poll(count).toBe(40)
    const steps = drawn.map((lines, index) => lines - (drawn[index - 1] ?? 0))
    expect(Math.max(...steps)).toBeLessThan(10)
  })

  it('reports bad rows by number, and creates the good ones only on request (row 62)', async () => {
    const { engine, dialog } = await choose('deals.csv', `${good}Broken,Nowhere,2027-02-31,5,West\n`)
    await shows(dialog, 'Check 3 rows')
    button(dialog, 'Check 3 rows').click()
    await shows(dialog, '1 is left out')
    expect(find(dialog, '.causes').textContent).toMatch(/Row\s+4/)
    expect(button(dialog, 'Save the 1 left out as CSV').disabled).toBe(false)
    expect(engine.calls).toEqual([])
    expect(await accessibilityProblems()).toEqual([])
    button(dialog, 'Import only the 2').click()
    await shows(dialog, '2 opportunities imported')
  })

  it('says what is wrong with a file that is no table', async () => {
    const { dialog } = await choose('empty.csv', '')
    await shows(dialog, 'Choose another file')
    expect(find(dialog, '[role=alert]').textContent).toContain('no table')
  })

  it('says why rows are left out by cause, and one choice mends all of a cause', async () => {
    const rows = Array.from({ length: 30 }, (_none, index) => `D${index},${index % 2 === 0 ? 'Engaging' : 'Lost'},2027-03-01,"1,5x"`)
    const { engine, dialog } = await choose('deals.csv', `Name,StageName,CloseDate,Amount\n${rows.join('\n')}\n`)
    await shows(dialog, 'Check 30 rows')
    button(dialog, 'Check 30 rows').click()
    await shows(dialog, '30 are left out')
    expect(dialog.renderRoot.querySelectorAll('.causes > li')).toHaveLength(2)
    pick(dialog, 'Counterpart of all values of StageName', 'Closed Lost')
    button(dialog, 'Leave these cells empty').click()
    await shows(dialog, 'Check again')
    expect(await accessibilityProblems()).toEqual([])
    button(dialog, 'Check again').click()
    await shows(dialog, '30 rows make new records')
    button(dialog, 'Import 30').click()
    await shows(dialog, '30 opportunities imported')
    const [, , , sent] = engine.calls.find(([action]) => action === 'startImport') ?? []
    expect((sent as readonly unknown[])[0]).toEqual({ values: { Name: 'D0', StageName: 'Closed Lost', CloseDate: '2027-03-01' } })
  })

  it('reads plain numbers in the org’s currency, codes beside them as theirs, and placeholders as nothing', async () => {
    const text = 'Name,StageName,CloseDate,Amount,ccy,Next Step\nA,Closed Won,2027-03-01,5,USD,Call\nB,Closed Won,2027-03-01,7,,--None--\n'
    const { engine, dialog } = await choose('deals.csv', text, {
      settings: { ...fakeEngine().scene.settings, currency: 'CHF', locale: undefined },
    })
    await shows(dialog, 'Check 2 rows')
    expect(textOf(dialog)).toContain('Currency of the amounts')
    expect(textOf(dialog)).toMatch(/“--None--” \(1\) mean nothing/)
    button(dialog, 'Check 2 rows').click()
    await shows(dialog, '2 rows make new records')
    button(dialog, 'Import 2').click()
    await shows(dialog, '2 opportunities imported')
    const [, , , sent] = engine.calls.find(([action]) => action === 'startImport') ?? []
    expect(sent).toEqual([
      {
        values: {
          Name: 'A',
          StageName: 'Closed Won',
          CloseDate: '2027-03-01',
          Amount: { amount: '5.00', currency: 'USD' },
          NextStep: 'Call',
        },
      },
      { values: { Name: 'B', StageName: 'Closed Won', CloseDate: '2027-03-01', Amount: { amount: '7.00', currency: 'CHF' } } },
    ])
  })

  it('warns before records are there twice, and updates those that a key finds', async () => {
    const values = { Name: 'Rollout', StageName: 'Prospecting', CloseDate: '2027-03-01' }
    const records: RecordView[] = [{ object: 'Opportunity', id: 'own', values, changedAt: 0, imported: false, converted: undefined }]
    const { engine, dialog } = await choose('deals.csv', good, { records })
    await shows(dialog, 'Check 2 rows')
    button(dialog, 'Check 2 rows').click()
    await shows(dialog, '1 of these rows have the Opportunity Name of a record')
    button(dialog, 'Update those').click()
    await shows(dialog, '1 updates a record')
    button(dialog, 'Import 2').click()
    await shows(dialog, '1 new, 1 updated')
    const [, , , sent] = engine.calls.find(([action]) => action === 'startImport') ?? []
    expect(sent).toMatchObject([{ id: 'own', values: { StageName: 'Qualification' } }, { values: { Name: 'Pilot' } }])
  })
})

describe('an import that ended half-way', () => {
  const stopped: ImportView = {
    id: 'import-0',
    object: 'Lead',
    name: 'leads.csv',
    at: Date.UTC(2027, 0, 15),
    state: 'stopped',
    done: 2_500,
    total: 10_000,
    creates: 10_000,
    skipped: 0,
    undoable: true,
  }

  it('says so without being asked, and goes on', async () => {
    const engine = fakeEngine({ imports: [stopped] })
    const element = await mount('entente-import', { engine, csv })
    expect(textOf(element)).toContain('Import of leads.csv stopped at 2,500 of 10,000 rows.')
    expect(await accessibilityProblems()).toEqual([])
    button(element, 'Continue').click()
    await expect.poll(() => textOf(element)).not.toContain('stopped at')
    expect(engine.calls).toEqual([['runImport', 'import-0']])
  })

  it('or is taken back, asked once more, and says what stays', async () => {
    const step = { id: 'import-0', kind: 'import', object: 'Lead', record: undefined, name: 'leads.csv', at: 0, records: 2_500 } as const
    const left = [{ object: 'Lead', record: 'x', field: '', why: 'exported' }] as const
    const engine = fakeEngine({ imports: [stopped], undone: { step, records: 2_499, removed: 2_499, fields: [], left } })
    const element = await mount('entente-import', { engine, csv })
    button(element, 'Undo').click()
    await shows(element, 'Take back what it wrote?')
    expect(engine.calls).toEqual([])
    button(element, 'Undo the import').click()
    await shows(element, '2,499 leads removed')
    expect(textOf(element)).toContain('1 stays as it is')
    element.open()
    await shows(element, 'Earlier imports on this device (1)')
    expect(await accessibilityProblems()).toEqual([])
  })
})

function pick(dialog: EntenteImport, label: string, value: string): void {
  const select = find<HTMLSelectElement>(dialog, `select[aria-label="${label}"]`)
  select.value = value
  select.dispatchEvent(new Event('change'))
}
