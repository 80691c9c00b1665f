// What pages gain with script: copy buttons, showing a password, and an invitation link that fills
// its form. Everything works without it.

const announcer = document.querySelector('[data-announcer]')

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent)
    return true
  } catch {
    // No clipboard on plain http under another name than localhost: select, and copy the old way.
    getSelection().selectAllChildren(source)
    return document.execCommand('copy')
  }
}

function enableCopying(root) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    const source = document.getElementById(button.dataset.copy)
    const label = button.textContent
    let timer
    button.hidden = false
    button.addEventListener('click', async () => {
      const text = (await copy(source)) ? 'Copied' : 'Press Ctrl+C'
      button.textContent = text
      announcer.textContent = text
      clearTimeout(timer)
      timer = setTimeout(() => {
        button.textContent = label
        announcer.textContent = ''
      }, 2000)
    })
  }
}

// The same moment on the clock of whoever reads, with the name of its zone.
function nameLocalTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
  for (const time of root.querySelectorAll('time'))
    time.title = format.format(new Date(time.dateTime))
}

function enliven(root) {
  enableCopying(root)
  nameLocalTimes(root)
}

enliven(document)

for (const button of document.querySelectorAll('[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal)
  const name = button.getAttribute('aria-label').replace(/^Show /, '')
  const show = (visible) => {
    input.type = visible ? 'text' : 'password'
    button.textContent = visible ? 'Hide' : 'Show'
    button.setAttribute('aria-label', `${visible ? 'Hide' : 'Show'} ${name}`)
  }
  button.hidden = false
  button.addEventListener('click', () => show(input.type === 'password'))
  // Browsers remember what is typed into text fields: it is a password again before it is sent.
  input.form.addEventListener('submit', () => show(false))
}

const invitation = document.getElementById('invitation')
if (invitation !== null && location.hash.startsWith('#invitation=')) {
  invitation.value = location.hash.slice('#invitation='.length)
  // The code leaves the address bar and the history.
  history.replaceState(null, '', location.pathname)
  document.getElementById('email')?.focus()
}
