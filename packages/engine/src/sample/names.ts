import type { Dice } from './random.js'

/** Invented word stems and family names; a test holds the company stems against well-known companies. */
export const companyStems = [
  'Brackmoor',
  'Quillmere',
  'Tarnvale',
  'Ostwick',
  'Fennoway',
  'Hollisgate',
  'Marrowby',
  'Kestrelin',
  'Dunvarra',
  'Pellworth',
  'Thistledon',
  'Larkenfeld',
  'Corvantis',
  'Wexholme',
  'Ambrelle',
  'Sundervik',
  'Galloreth',
  'Norrinder',
  'Vespermoor',
  'Ironquay',
  'Bramblecot',
  'Halvessen',
  'Jorundal',
  'Mirefield',
  'Oakvarra',
  'Perrinvale',
  'Ravelstock',
  'Saltermere',
  'Tollandra',
  'Ulverstrand',
  'Yarrowick',
  'Zellander',
  'Ashvarrow',
  'Copperlyn',
  'Drumlanra',
  'Elmsvane',
  'Foxhallow',
  'Greywether',
  'Heronsund',
  'Inverlode',
] as const

const trades = [
  ['Logistics', 'Transportation'],
  ['Instruments', 'Electronics'],
  ['Foods', 'Food & Beverage'],
  ['Textiles', 'Apparel'],
  ['Clinics', 'Healthcare'],
  ['Machine Works', 'Machinery'],
  ['Timber', 'Manufacturing'],
  ['Mutual', 'Insurance'],
  ['Water', 'Utilities'],
  ['Builders', 'Construction'],
  ['Optics', 'Engineering'],
  ['Press', 'Media'],
  ['Orchards', 'Agriculture'],
  ['Inns', 'Hospitality'],
  ['Outfitters', 'Retail'],
] as const

const firstNames = [
  'Ada',
  'Bruno',
  'Carla',
  'Dario',
  'Elin',
  'Farid',
  'Greta',
  'Hugo',
  'Ines',
  'Jonas',
  'Kaya',
  'Leon',
  'Mira',
  'Nils',
  'Oona',
  'Pavel',
  'Rosa',
  'Samir',
  'Tilda',
  'Umar',
  'Vida',
  'Wanda',
  'Yusuf',
  'Zora',
] as const

export const familyNames = [
  'Tolvane',
  'Briskane',
  'Hallowin',
  'Marchevo',
  'Quenlow',
  'Ostrelli',
  'Vandermoor',
  'Kesslorne',
  'Arrowell',
  'Dunmarra',
  'Fenwright',
  'Galterane',
  'Ilvesten',
  'Jarnholt',
  'Lindquarry',
  'Norwyck',
  'Pemberlin',
  'Rathlow',
  'Saltonby',
  'Thornquill',
  'Ullmarck',
  'Wexcombe',
  'Yarlett',
  'Zandrel',
] as const

const places = [
  ['Hamburg', 'Hamburg', '20095', 'Germany'],
  ['Lyon', 'Auvergne-Rhône-Alpes', '69001', 'France'],
  ['Leeds', 'West Yorkshire', 'LS1 4AP', 'United Kingdom'],
  ['Austin', 'Texas', '78701', 'United States'],
  ['Portland', 'Oregon', '97201', 'United States'],
  ['Turin', 'Piedmont', '10121', 'Italy'],
  ['Utrecht', 'Utrecht', '3511', 'Netherlands'],
  ['Toronto', 'Ontario', 'M5H 2N2', 'Canada'],
] as const

const streets = ['Harbour Road', 'Mill Lane', 'Station Square', 'Orchard Street', 'Canal Walk', 'Foundry Row'] as const

export interface SampleCompany {
  readonly name: string
  readonly industry: string
  /** Under .example, which nobody can own. */
  readonly domain: string
  readonly employees: number
  readonly street: string
  readonly city: string
  readonly state: string
  readonly postalCode: string
  readonly country: string
}

export interface SamplePerson {
  readonly first: string
  readonly last: string
}

export function inventCompany(dice: Dice): SampleCompany {
  const stem = dice.pick(companyStems)
  const [trade, industry] = dice.pick(trades)
  const [city, state, postalCode, country] = dice.pick(places)
  const name = `${stem} ${trade}`
  return {
    name,
    industry,
    domain: `${name.toLowerCase().replace(/[^a-z]+/g, '-')}.example`,
    employees: dice.between(2, 90) * dice.pick([1, 5, 20, 100]),
    street: `${dice.between(1, 180)} ${dice.pick(streets)}`,
    city,
    state,
    postalCode,
    country,
  }
}

export function inventPerson(dice: Dice): SamplePerson {
  return { first: dice.pick(firstNames), last: dice.pick(familyNames) }
}

/** A number of the range that is set aside for fiction. */
export function inventPhone(dice: Dice): string {
  return `+1 ${dice.pick(['206', '312', '415', '512', '617'])} 555 01${String(dice.between(0, 99)).padStart(2, '0')}`
}

/** "ada.tolvane@brackmoor-optics.example" */
export function personEmail(person: SamplePerson, company: SampleCompany): string {
  return `${person.first}.${person.last}@${company.domain}`.toLowerCase()
}
