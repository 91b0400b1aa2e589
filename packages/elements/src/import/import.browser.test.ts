import { convertRows, decodeCsvBytes, guessColumns, parseCsv, proposeCustomField } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, type FakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, find, mount, textOf } from '../testing/mount.js'
import type { EntenteImport } from './import.js'

const csv = { convertRows, decodeCsvBytes, guessColumns, parseCsv, proposeCustomField }

async function choose(name: string, text: string): Promise<{ engine: FakeEngine; dialog: EntenteImport }> {
  const engine = fakeEngine()
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
    await shows(dialog, '2 rows are good')
    expect(engine.calls).toEqual([])
    button(dialog, 'Create 2').click()
    await shows(dialog, '2 opportunities imported')
    expect(engine.calls.map(([action]) => action)).toEqual(['addField', 'createMany'])
    expect(engine.calls[1]?.[2]).toMatchObject([
      { Name: 'Rollout', Region__c: 'North' },
      { Name: 'Pilot', Region__c: 'South' },
    ])
  })

  it('reports bad rows by number, and creates the good ones only on request (row 62)', async () => {
    const { engine, dialog } = await choose('deals.csv', `${good}Broken,Nowhere,2027-02-31,5,West\n`)
    await shows(dialog, 'Check 3 rows')
    button(dialog, 'Check 3 rows').click()
    await shows(dialog, '1 are not')
    expect(find(dialog, 'tbody td').textContent).toBe('4')
    expect(engine.calls).toEqual([])
    expect(await accessibilityProblems()).toEqual([])
    button(dialog, 'Create only the 2').click()
    await shows(dialog, '2 opportunities imported')
  })

  it('says what is wrong with a file that is no table', async () => {
    const { dialog } = await choose('empty.csv', '')
    await shows(dialog, 'Choose another file')
    expect(find(dialog, '[role=alert]').textContent).toContain('no table')
  })
})
