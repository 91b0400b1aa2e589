import {
  opportunityStages,
  type ObjectSchema,
  type OpportunityStage,
  type ObjectName,
  type RecordValues,
  type Value,
} from '../schema/index.js'
import { inventCompany, inventPerson, inventPhone, personEmail, type SampleCompany, type SamplePerson } from './names.js'
import { seedDice, type Dice } from './random.js'
import { partnerSchema, productLines, vendorSchema, type SampleSide } from './sample-schema.js'

/** Whose records are made, how many, and around which day. */
export interface SampleOptions {
  /** The same seed and options give the same records. */
  readonly seed: number
  readonly side: SampleSide
  /** How many leads; 120 unless set. */
  readonly leads?: number
  /** How many opportunities; 240 unless set. */
  readonly opportunities?: number
  /** The day around which the pipeline lies: open deals close after it, closed ones before. "YYYY-MM-DD"; 2026-01-15 unless set. */
  readonly today?: string
}

/** One invented record. */
export interface SampleRecord {
  readonly object: ObjectName
  /** In stored form; parseRecord takes them under the side's schema. */
  readonly values: RecordValues
}

/** The schemas of a side, and records that fit them. */
export interface Sample {
  readonly schemas: { readonly Lead: ObjectSchema; readonly Opportunity: ObjectSchema }
  readonly records: readonly SampleRecord[]
}

/**
 * Makes a pipeline as a company of some size has it: most deals small and a few large, more early than late, closed ones in the past with a
 * fitting probability, open ones ahead, some overdue, some fields blank. Every company and person is invented, every address unreachable.
 */
export function generateSample(options: SampleOptions): Sample {
  const { side, today = '2026-01-15', leads = 120, opportunities = 240 } = options
  const dice = seedDice(side === 'vendor' ? options.seed : ~options.seed)
  const schemaOf = side === 'vendor' ? vendorSchema : partnerSchema
  const team = pickTeam(dice)
  const records: SampleRecord[] = []
  for (let count = 0; count < opportunities; count++) {
    records.push({ object: 'Opportunity', values: makeOpportunity(dice, side, team, today, count) })
  }
  for (let count = 0; count < leads; count++) {
    records.push({ object: 'Lead', values: makeLead(dice, side, team, today) })
  }
  return { schemas: { Lead: schemaOf('Lead'), Opportunity: schemaOf('Opportunity') }, records }
}

type Team = readonly [string, ...string[]]

function pickTeam(dice: Dice): Team {
  const name = (): string => fullName(inventPerson(dice))
  return [name(), name(), name(), name(), name(), name()]
}

function makeOpportunity(dice: Dice, side: SampleSide, team: Team, today: string, count: number): RecordValues {
  const company = inventCompany(dice)
  const stage = pickStage(dice)
  const line = dice.pick(productLines)
  const closeDate = addDays(today, closeOffset(dice, stage))
  const isRenewal = dice.chance(35)
  return onlyFilled({
    Name: `${company.name} – ${line} ${dice.pick(['rollout', 'pilot', 'renewal', 'expansion', 'replacement'])}`,
    AccountName: dice.chance(94) ? company.name : null,
    // A price is found by about the time of the proposal.
    Amount: stage.probability === '10' && dice.chance(30) ? null : { amount: `${pickAmount(dice)}.00`, currency: 'USD' },
    CloseDate: closeDate,
    StageName: side === 'vendor' ? stage.stage : partnerStage(stage),
    Probability: stage.probability,
    ForecastCategoryName: stage.forecast,
    Type: isRenewal ? dice.pick(['Existing Customer - Upgrade', 'Existing Customer - Replacement']) : 'New Customer',
    LeadSource: dice.chance(80) ? dice.pick(['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other']) : null,
    NextStep: stage.closed ? null : dice.pick(nextSteps),
    Description: dice.chance(25) ? `${line} for ${dice.between(1, 12)} sites.\n${dice.pick(remarks)}` : null,
    IsPrivate: dice.chance(3),
    TotalOpportunityQuantity: dice.chance(60) ? String(dice.between(1, 400)) : null,
    OwnerName: dice.pick(team),
    ...(side === 'vendor' ? vendorExtras(dice, stage, line, closeDate) : partnerExtras(dice, team, line, count)),
  })
}

function vendorExtras(dice: Dice, stage: OpportunityStage, line: string, closeDate: string): Record<string, Value> {
  return {
    Product_Line__c: line,
    Go_Live_Date__c: stage.stage !== 'Closed Lost' && dice.chance(50) ? addDays(closeDate, dice.between(20, 120)) : null,
    Internal_Margin__c: `${dice.between(12, 48)}.${dice.between(1, 9)}`,
  }
}

function partnerExtras(dice: Dice, team: Team, line: string, count: number): Record<string, Value> {
  const solutions: Readonly<Record<string, string>> = { Analytics: 'Data & Analytics', 'Field Service': 'Services' }
  return {
    Solution__c: solutions[line] ?? line,
    Vendor_Contact__c: dice.chance(40) ? dice.pick(team) : null,
    Registration__c: dice.chance(50) ? `REG-${String(10_000 + count)}` : null,
  }
}

function makeLead(dice: Dice, side: SampleSide, team: Team, today: string): RecordValues {
  const company = inventCompany(dice)
  const person = inventPerson(dice)
  const status = dice.pick(leadStatuses)
  const isConverted = status.vendor === 'Closed - Converted'
  return onlyFilled({
    FirstName: dice.chance(92) ? person.first : null,
    LastName: person.last,
    Company: company.name,
    Title: dice.chance(75) ? dice.pick(titles) : null,
    ...reach(dice, person, company),
    LeadSource: dice.pick(['Web', 'Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other']),
    Status: side === 'vendor' ? status.vendor : status.partner,
    Rating: dice.chance(70) ? dice.pick(['Hot', 'Warm', 'Warm', 'Cold', 'Cold']) : null,
    Industry: company.industry,
    AnnualRevenue: dice.chance(50) ? { amount: String(company.employees * dice.between(60, 240) * 1000), currency: 'USD' } : null,
    NumberOfEmployees: dice.chance(70) ? String(company.employees) : null,
    OwnerName: dice.pick(team),
    DoNotCall: dice.chance(8),
    HasOptedOutOfEmail: dice.chance(5),
    IsConverted: isConverted,
    ConvertedDate: isConverted ? addDays(today, -dice.between(1, 120)) : null,
    ...(side === 'vendor'
      ? { Product_Interest__c: dice.pick(productLines) }
      : { Solution__c: dice.pick(['Sensors', 'Gateways', 'Services']) }),
  })
}

function reach(dice: Dice, person: SamplePerson, company: SampleCompany): Record<string, Value> {
  return {
    Email: dice.chance(90) ? personEmail(person, company) : null,
    Phone: dice.chance(80) ? inventPhone(dice) : null,
    MobilePhone: dice.chance(30) ? inventPhone(dice) : null,
    Website: dice.chance(60) ? `https://www.${company.domain}` : null,
    Street: company.street,
    City: company.city,
    State: company.state,
    PostalCode: company.postalCode,
    Country: company.country,
  }
}

const leadStatuses: readonly [LeadStatus, ...LeadStatus[]] = [
  { vendor: 'Open - Not Contacted', partner: 'new' },
  { vendor: 'Open - Not Contacted', partner: 'new' },
  { vendor: 'Working - Contacted', partner: 'in-contact' },
  { vendor: 'Working - Contacted', partner: 'in-contact' },
  { vendor: 'Closed - Converted', partner: 'qualified' },
  { vendor: 'Closed - Not Converted', partner: 'dropped' },
]

interface LeadStatus {
  readonly vendor: string
  readonly partner: string
}

const titles = ['Head of Operations', 'Plant Manager', 'Buyer', 'IT Lead', 'Managing Director', 'Quality Engineer'] as const

const nextSteps = [
  'Book the site visit',
  'Send the revised quote',
  'Meet the buyers',
  'Agree the pilot scope',
  'Wait for the budget round',
  'Check the contract wording',
] as const

const remarks = [
  'They compare two suppliers.',
  'Wants to start before the summer.',
  'Needs training for the night shift.',
  'Came back after last year’s trial.',
] as const

/** How many of a hundred deals stand in each stage, in the order of opportunityStages: a funnel, with more lost than won. */
const stageShares = [10, 12, 9, 8, 6, 6, 9, 6, 16, 18]

function pickStage(dice: Dice): OpportunityStage {
  let left = dice.between(1, 100)
  const place = stageShares.findIndex((share) => (left -= share) <= 0)
  const stage = opportunityStages[place] ?? opportunityStages[0]
  if (stage === undefined) throw new Error('There are no stages to pick from')
  return stage
}

/** Closed deals lie up to a year back; open ones ahead, the later the earlier their stage; one in twelve is overdue. */
function closeOffset(dice: Dice, stage: OpportunityStage): number {
  if (stage.closed) return -dice.between(1, 365)
  if (dice.chance(8)) return -dice.between(1, 30)
  return dice.between(5, 30 + 2 * (100 - Number(stage.probability)))
}

/** Small deals are common, large ones rare: three ranges of prices in steps that look like quotes. */
function pickAmount(dice: Dice): number {
  if (dice.chance(60)) return dice.between(4, 60) * 250
  return dice.chance(80) ? dice.between(15, 120) * 1000 : dice.between(25, 180) * 5000
}

function partnerStage(stage: OpportunityStage): string {
  if (stage.closed) return stage.probability === '100' ? 'won' : 'lost'
  const probability = Number(stage.probability)
  if (probability < 20) return 'qualify'
  if (probability < 70) return 'assess'
  return probability < 90 ? 'propose' : 'negotiate'
}

function fullName({ first, last }: SamplePerson): string {
  return `${first} ${last}`
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

function onlyFilled(values: Readonly<Record<string, Value>>): RecordValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}
