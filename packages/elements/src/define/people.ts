import { defineElement } from '../base/define-element.js'
import { EntentePeople } from '../people/people.js'

defineElement('entente-people', EntentePeople)

declare global {
  interface HTMLElementTagNameMap {
    'entente-people': EntentePeople
  }
}
