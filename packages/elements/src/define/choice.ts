import { defineElement } from '../base/define-element.js'
import { EntenteChoice } from '../choice/choice.js'

defineElement('entente-choice', EntenteChoice)

declare global {
  interface HTMLElementTagNameMap {
    'entente-choice': EntenteChoice
  }
}
