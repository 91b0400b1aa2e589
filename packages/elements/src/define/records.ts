import { defineElement } from '../base/define-element.js'
import { EntenteRecords } from '../records/records.js'

defineElement('entente-records', EntenteRecords)

declare global {
  interface HTMLElementTagNameMap {
    'entente-records': EntenteRecords
  }
}
