import { describe, expect, it } from 'vitest'
import { matchesRule, type Rule, validateRule } from '../query/index.js'
import { convertRecord, findField, parseRecord, preflight, scalarToText } from '../schema/index.js'
import { generateSample, partnerMapping, partnerSchema, vendorSchema, type SampleSide } from './index.js'
import { companyStems, familyNames } from './names.js'

const sides: readonly SampleSide[] = ['vendor', 'partner']
const today = '2026-03-02'

describe.each(sides)('the sample of the %s', (side) => {
  const sample = generateSample({ seed: 7, side, today })

  it('has a few hundred records, each valid under its own schema', () => {
    expect(sample.records).toHaveLength(360)
    for (const { object, values } of sample.records) {
      expect(parseRecord(sample.schemas[object], values, 'create')).toEqual({ ok: true, values })
    }
  })

  it('is the same for the same seed and another for another seed', () => {
    expect(generateSample({ seed: 7, side, today })).toEqual(sample)
    expect(generateSample({ seed: 8, side, today }).records).not.toEqual(sample.records)
  })

  it('holds together: closed deals lie in the past, most open ones ahead, and the probability fits', () => {
    const deals = sample.records.filter(({ object }) => object === 'Opportunity').map(({ values }) => values)
    const closed = deals.filter(({ Probability: chance }) => chance === '0' || chance === '100')
    const open = deals.filter((deal) => !closed.includes(deal))
    expect(closed.length).toBeGreaterThan(40)
    expect(closed.every(({ CloseDate: date }) => scalarToText(date ?? null) < today)).toBe(true)
    expect(open.filter(({ CloseDate: date }) => scalarToText(date ?? null) > today).length).toBeGreaterThan(open.length * 0.8)
    expect(closed.every(({ StageName: stage }) => /won|lost/i.test(scalarToText(stage ?? null)))).toBe(true)
    expect(open.some(({ StageName: stage }) => /won|lost/i.test(scalarToText(stage ?? null)))).toBe(false)
    const amounts = new Set(deals.map(({ Amount: amount }) => JSON.stringify(amount)))
    expect(amounts.size).toBeGreaterThan(80)
  })

  it('can reach nobody: addresses end in .example and numbers are those of fiction', () => {
    for (const { values } of sample.records) {
      if (values['Email'] !== undefined) expect(values['Email']).toMatch(/\.example$/)
      if (values['Website'] !== undefined) expect(values['Website']).toMatch(/\.example$/)
      if (values['Phone'] !== undefined) expect(values['Phone']).toMatch(/ 555 01\d\d$/)
    }
  })
})

describe('the two orgs of the sample', () => {
  const { records } = generateSample({ seed: 3, side: 'vendor', today })

  it.each(['Lead', 'Opportunity'] as const)('the suggested mapping brings every %s of Vera to Paul', (object) => {
    const source = vendorSchema(object).fields
    const target = partnerSchema(object)
    const mapping = partnerMapping(object)
    const rows = records.filter((record) => record.object === object).map(({ values }) => values)
    const checked = preflight(source, target, mapping, rows)
    expect(checked.ok).toBe(true)
    expect(checked.fields.filter(({ refusedRows }) => refusedRows > 0)).toEqual([])
    for (const row of rows) {
      const converted = convertRecord(source, target, mapping, row, 'create')
      if (!converted.ok) throw new Error(converted.errors[0]?.message)
      expect(parseRecord(target, converted.values, 'edit').ok).toBe(true)
    }
  })

  it('does not send what the vendor keeps to itself', () => {
    expect(findField(vendorSchema('Opportunity'), 'Internal_Margin__c')).toBeDefined()
    expect(partnerMapping('Opportunity').map(({ source }) => source)).not.toContain('Internal_Margin__c')
  })

  it('has open deals enough for a sharing rule', () => {
    const schema = vendorSchema('Opportunity')
    const rule: Rule = {
      match: 'all',
      conditions: [
        { field: 'Product_Line__c', operator: 'equals', value: 'Sensors' },
        { field: 'Probability', operator: 'lessThan', value: '100' },
      ],
      added: [],
      hidden: [],
    }
    expect(validateRule(schema, rule)).toEqual({ ok: true })
    const shown = records.filter(({ values }, index) => matchesRule(schema, rule, String(index), values))
    expect(shown.length).toBeGreaterThan(20)
  })
})

it('no invented company or family carries a well-known name', () => {
  const known =
    `acer adidas adobe airbus aldi alibaba allianz amazon apple asus atlassian audi axa barclays basf bayer bmw boeing bosch bp canon
    carrefour caterpillar chevron cisco citi cocacola comcast continental cummins dell deloitte deutsche disney dropbox dupont ebay ericsson exxon
    facebook fedex ferrari fiat ford fujitsu gap gartner general gillette goldman google gucci heineken henkel hewlett hitachi honda honeywell hsbc
    huawei hubspot hyundai ibm ikea infosys intel jaguar johnson kellogg kia kpmg kraft lego lenovo levi lidl linde loreal lufthansa maersk marriott
    mastercard mcdonald mercedes merck meta michelin microsoft mitsubishi morgan motorola nestle netflix nike nintendo nissan nokia novartis nvidia
    oracle orange panasonic pepsi pfizer philips porsche prada procter puma qualcomm renault roche rolex safran salesforce samsung sanofi santander
    sap schneider shell siemens slack sony spotify starbucks stripe subaru suzuki target tata tesco tesla thales toshiba total toyota twitter uber
    unilever verizon visa vodafone volkswagen volvo walmart wipro xerox yahoo zara zendesk zoom musk bezos gates zuckerberg benioff buffett jobs`.split(
      /\s+/,
    )
  const invented = [...companyStems, ...familyNames].map((name) => name.toLowerCase())
  // A short name such as "gap" or "sap" may stand inside a long invented one; at its beginning it would be read as the company.
  expect(invented.filter((name) => known.some((other) => name.startsWith(other) || (other.length > 4 && name.includes(other))))).toEqual([])
  expect(new Set(invented).size).toBe(invented.length)
})
