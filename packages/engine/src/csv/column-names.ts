import { foldLabel, type Field, type ObjectSchema, type ObjectName } from '../schema/index.js'

/**
 * What other tools call the standard fields, best first. Only names that mean nothing else stand here: a wrong guess costs more than none.
 */
const otherNames: Readonly<Record<ObjectName, Readonly<Record<string, readonly string[]>>>> = {
  Opportunity: {
    Name: ['opportunity', 'deal', 'deal name', 'opportunity title', 'opportunity id', 'deal id'],
    AccountName: ['account', 'customer', 'customer name', 'client', 'company', 'company name', 'organization', 'organisation'],
    Amount: ['value', 'deal value', 'deal amount', 'close value', 'opportunity amount', 'total value'],
    CloseDate: ['closing date', 'expected close', 'expected close date', 'closed on', 'closed date'],
    StageName: ['deal stage', 'sales stage', 'pipeline stage', 'phase'],
    Probability: ['probability', 'win probability', 'chance'],
    ForecastCategoryName: ['forecast'],
    LeadSource: ['source'],
    OwnerName: ['owner', 'deal owner'],
    NextStep: ['next action'],
    TotalOpportunityQuantity: ['total quantity'],
    CampaignName: ['campaign', 'campaign name'],
    Description: ['notes', 'comment', 'comments'],
  },
  Lead: {
    FirstName: ['given name', 'forename'],
    LastName: ['surname', 'family name'],
    Company: ['company name', 'account', 'account name', 'organization', 'organisation'],
    Title: ['job title', 'position', 'role'],
    Email: ['e-mail', 'email address', 'e-mail address', 'mail'],
    Phone: ['telephone', 'phone number', 'business phone', 'tel'],
    MobilePhone: ['mobile', 'cell', 'cell phone', 'mobile number'],
    Website: ['web', 'url', 'homepage', 'web site'],
    LeadSource: ['source'],
    Status: ['status'],
    AnnualRevenue: ['revenue'],
    NumberOfEmployees: ['employees', 'number of employees', 'headcount'],
    Street: ['address', 'street address'],
    State: ['state', 'province', 'region'],
    PostalCode: ['zip', 'zip code', 'postcode', 'postal code'],
    OwnerName: ['owner'],
    Description: ['notes', 'comment', 'comments'],
  },
}

/** Compares column names as people mean them: "deal_stage", "Deal Stage" and "DealStage" are one. */
export function foldColumnName(name: string): string {
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/__c$/i, '')
  return foldLabel(words.replace(/[^\p{L}\p{N}]+/gu, ' '))
}

const codeAtEnd = /\s*[([]([A-Z]{3})[)\]]\s*$/

/** The currency of all amounts of a column, where its name tells it: EUR for "Amount (EUR)". */
export function currencyInName(name: string): string | undefined {
  const code = codeAtEnd.exec(name)?.[1]
  return code !== undefined && isCurrencyCode(code) ? code : undefined
}

export function isCurrencyCode(text: string): boolean {
  currencies ??= new Set(Intl.supportedValuesOf('currency'))
  return currencies.has(text.toUpperCase())
}

let currencies: ReadonlySet<string> | undefined

/**
 * Finds the field for each column name: by API name, then by label, then by the names other tools use. A field is given to one column only, and a column whose name
 * tells a currency only to a field of amounts.
 */
export function matchColumns(names: readonly string[], schema: ObjectSchema): ReadonlyMap<string, Field> {
  const matched = matchNames(names, schema)
  const taken = new Set(matched.values())
  const priced = new Map(
    names.flatMap((name) => (!matched.has(name) && currencyInName(name) !== undefined ? [[name.replace(codeAtEnd, ''), name]] : [])),
  )
  const amounts = schema.fields.filter((field) => field.type === 'currency' && !taken.has(field))
  for (const [bare, field] of matchNames([...priced.keys()], { ...schema, fields: amounts })) matched.set(priced.get(bare) ?? bare, field)
  return matched
}

function matchNames(names: readonly string[], schema: ObjectSchema): Map<string, Field> {
  const matched = new Map<string, Field>()
  const taken = new Set<string>()
  const give = (name: string, field: Field): void => {
    if (matched.has(name) || taken.has(field.name)) return
    matched.set(name, field)
    taken.add(field.name)
  }
  for (const name of names) for (const field of schema.fields) if (name.toLowerCase() === field.name.toLowerCase()) give(name, field)
  // Each name is folded once: a file may have a thousand columns.
  const folded = names.map((name) => [name, foldColumnName(name)] as const)
  const ownNames = schema.fields.map((field) => [field, [foldColumnName(field.name), foldColumnName(field.label)]] as const)
  for (const [name, fold] of folded) if (fold !== '') for (const [field, own] of ownNames) if (own.includes(fold)) give(name, field)
  for (const field of schema.fields) {
    for (const other of otherNames[schema.object][field.name] ?? []) {
      const wanted = foldColumnName(other)
      const found = folded.find(([candidate, fold]) => fold === wanted && !matched.has(candidate))
      if (found) give(found[0], field)
    }
  }
  return matched
}
