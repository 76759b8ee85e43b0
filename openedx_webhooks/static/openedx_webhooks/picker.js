/*
 * Makes the list of events or filters a combobox that can be searched: the pattern "editable combobox with list" of the
 * ARIA Authoring Practices. The <select> stays, hidden, and holds what is chosen; without this script it is shown.
 */
'use strict';
{
    const WAIT_MS = 120;

    // textContent, never innerHTML: a stored type may be anything.
    const make = (tag, className, text) => {
        const element = document.createElement(tag);
        element.className = className;
        element.textContent = text || '';
        return element;
    };

    const labelOf = (option) => option.dataset.name || option.textContent;

    // Which of the form's other fields have no effect for the chosen filter, and what a halt or redirect does there.
    const showEffects = (data) => {
        const dim = (selector, dimmed) => document.querySelectorAll(selector).forEach(
            (field) => (field.closest('.fieldBox') || field.closest('.form-row')).classList.toggle('owh-cannot', dimmed)
        );
        const say = (name, text) => {
            const field = document.querySelector(`[name="${name}"]`);
            if (!field) {
                return;
            }
            const row = field.closest('.form-row');
            const note = row.querySelector('.owh-effect') || row.appendChild(make('span', 'owh-effect help'));
            note.textContent = text || '';
            note.hidden = !text;
        };
        say('halt_on_4xx', data.effect);
        document.querySelectorAll('[name^="redirect_on_"]').forEach((field) => say(field.name, data.redirect));
        dim('[name^="halt_on_"]', data.halts === 'no');
        dim('[name^="redirect_on_"]', data.redirects === 'no');
    };

    class Picker {
        constructor(box) {
            this.box = box;
            this.texts = box.dataset;
            this.select = box.querySelector('select');
            this.several = this.select.multiple;
            this.options = [...this.select.options].filter((option) => option.value);
            this.active = -1;
            this.asked = 0;
            this.typed = false;
            this.build();
            this.listen();
            this.showChosen();
            this.select.addEventListener('change', () => { this.showChosen(); this.describe(); });
            showEffects(this.chosen.length ? this.chosen[0].dataset : {});
        }

        get chosen() {
            return this.options.filter((option) => option.selected);
        }

        get isOpen() {
            return !this.popup.hidden;
        }

        build() {
            const id = this.select.id;
            this.input = make('input', 'owh-picker-input vTextField');
            const attributes = {
                type: 'text', id: `${id}_search`, role: 'combobox', autocomplete: 'off', spellcheck: 'false',
                'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': `${id}_list`,
                placeholder: this.texts.placeholder,
            };
            const described = this.select.getAttribute('aria-describedby');
            Object.entries({...attributes, ...(described && {'aria-describedby': described})}).forEach(
                ([name, value]) => this.input.setAttribute(name, value)
            );
            this.list = make('div', 'owh-picker-list');
            this.list.id = `${id}_list`;
            this.list.setAttribute('role', 'listbox');
            this.list.setAttribute('aria-label', this.texts.list);
            if (this.several) {
                this.list.setAttribute('aria-multiselectable', 'true');
            }
            this.status = make('p', 'owh-picker-status');
            this.status.setAttribute('role', 'status');
            this.chips = make('ul', 'owh-picker-chips');
            this.chips.hidden = true;
            this.popup = make('div', 'owh-picker-popup');
            this.popup.hidden = true;
            this.popup.append(this.status, this.list);
            const field = make('div', 'owh-picker-field');
            field.append(this.input, this.popup);
            this.select.hidden = true;
            this.select.before(this.chips, field);
            const label = document.querySelector(`label[for="${id}"]`);
            if (label) {
                label.htmlFor = this.input.id;
            }
        }

        listen() {
            this.input.addEventListener('focus', () => this.input.select());
            this.input.addEventListener('click', () => this.open());
            this.input.addEventListener('input', () => { this.typed = true; this.search(); });
            this.input.addEventListener('keydown', (event) => this.key(event));
            this.input.addEventListener('blur', () => this.close());
            // The field keeps the focus, or the list would close before the click.
            [this.popup, this.chips].forEach(
                (element) => element.addEventListener('mousedown', (event) => event.preventDefault())
            );
            this.list.addEventListener('click', (event) => {
                const item = event.target.closest('[role="option"]');
                if (item) {
                    this.choose(item);
                }
            });
        }

        key(event) {
            const moves = {ArrowDown: this.active + 1, ArrowUp: this.active - 1, Home: 0, End: this.items.length - 1};
            // Without a row that was gone to, Home and End are for the text.
            const isMove = event.key in moves && !(this.active < 0 && ['Home', 'End'].includes(event.key));
            if (isMove && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
                event.preventDefault();
                if (!this.isOpen || !this.items.length) {
                    this.open();
                } else {
                    this.goTo((moves[event.key] + this.items.length) % this.items.length);
                }
            } else if (event.key === 'Enter') {
                // Never saves the form.
                event.preventDefault();
                this.enter();
            } else if (event.key === 'Escape' && this.isOpen) {
                event.preventDefault();
                this.close();
            } else if (event.key === 'Backspace' && this.several && !this.input.value && this.chosen.length) {
                this.unchoose(this.chosen[this.chosen.length - 1]);
            }
        }

        async enter() {
            if (!this.isOpen) {
                this.open();
                return;
            }
            // Whoever types fast and presses Enter means what was typed, not what the list still shows.
            await this.pending;
            const item = this.items[this.active] || (this.typed && this.items[0]);
            if (item) {
                this.choose(item);
            }
        }

        get items() {
            return [...this.list.querySelectorAll('[role="option"]')];
        }

        open() {
            if (this.isOpen && this.items.length) {
                return;
            }
            this.showAll();
            this.setOpen(true);
            const at = this.items.findIndex((item) => this.optionOf(item).selected);
            if (at >= 0 && !this.several) {
                this.goTo(at);
            }
        }

        close() {
            this.setOpen(false);
            this.typed = false;
            this.asked += 1;
            clearTimeout(this.timer);
            this.status.textContent = '';
            this.showText();
        }

        setOpen(isOpen) {
            this.popup.hidden = !isOpen;
            this.list.hidden = !this.items.length;
            this.input.setAttribute('aria-expanded', String(isOpen && !this.list.hidden));
            if (!isOpen) {
                this.goTo(-1);
            }
        }

        goTo(index) {
            this.active = index;
            this.items.forEach((item, at) => item.classList.toggle('owh-active', at === index));
            const item = this.items[index];
            if (item) {
                this.input.setAttribute('aria-activedescendant', item.id);
                item.scrollIntoView({block: 'nearest'});
            } else {
                this.input.removeAttribute('aria-activedescendant');
            }
        }

        // --- Searching

        search() {
            const text = this.input.value;
            clearTimeout(this.timer);
            this.asked += 1;
            const asked = this.asked;
            if (!text.trim()) {
                this.pending = null;
                this.status.textContent = '';
                this.showAll();
                this.setOpen(true);
                return;
            }
            this.setOpen(true);
            this.pending = new Promise((resolve) => { this.timer = setTimeout(resolve, WAIT_MS); })
                .then(() => fetch(`${this.texts.findUrl}?${new URLSearchParams({q: text})}`))
                .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
                .catch(() => ({types: null, says: this.texts.away}))
                .then((found) => {
                    if (asked === this.asked) {
                        this.showFound(found);
                    }
                });
        }

        showAll() {
            const groups = [...this.select.querySelectorAll('optgroup')].map((group) => {
                const item = make('div', 'owh-picker-group');
                item.setAttribute('role', 'group');
                item.setAttribute('aria-label', group.label);
                const title = make('span', 'owh-picker-title', group.label);
                title.setAttribute('aria-hidden', 'true');
                item.append(title, ...[...group.children].map((option) => this.row(option)));
                return item;
            });
            this.list.replaceChildren(...groups);
            this.goTo(-1);
        }

        showFound({types, says}) {
            this.status.textContent = says;
            if (types === null) {
                this.showAll();
                this.setOpen(true);
                return;
            }
            const byType = new Map(this.options.map((option) => [option.value, option]));
            this.list.replaceChildren(...types.map((type) => byType.get(type)).filter(Boolean).map(
                (option) => this.row(option)
            ));
            this.setOpen(true);
            this.goTo(this.items.length ? 0 : -1);
        }

        row(option) {
            const item = make('div', 'owh-picker-row');
            item.id = `${this.list.id}_${this.options.indexOf(option)}`;
            item.setAttribute('role', 'option');
            item.setAttribute('aria-selected', String(option.selected));
            const {name, type, about, often} = option.dataset;
            const head = make('span', 'owh-picker-head');
            head.append(make('span', 'owh-picker-name', name || option.textContent));
            if (often) {
                head.append(make('span', 'owh-picker-often', often));
            }
            item.append(head);
            if (about) {
                item.append(make('span', 'owh-picker-about', about));
            }
            if (type) {
                item.append(make('span', 'owh-picker-type', type));
            }
            return item;
        }

        optionOf(item) {
            return this.options[Number(item.id.slice(this.list.id.length + 1))];
        }

        // --- Choosing

        choose(item) {
            const option = this.optionOf(item);
            if (this.several) {
                option.selected = !option.selected;
                item.setAttribute('aria-selected', String(option.selected));
                this.input.select();
            } else {
                this.select.value = option.value;
                this.close();
            }
            this.tell();
        }

        unchoose(option) {
            option.selected = false;
            this.items.filter((item) => this.optionOf(item) === option).forEach(
                (item) => item.setAttribute('aria-selected', 'false')
            );
            this.tell();
            this.input.focus();
        }

        // Others on the page follow the <select>.
        tell() {
            this.select.dispatchEvent(new Event('change', {bubbles: true}));
        }

        showChosen() {
            if (this.several) {
                this.chips.replaceChildren(...this.chosen.map((option) => {
                    const chip = make('li', 'owh-picker-chip', labelOf(option));
                    const button = make('button', '', '×');
                    button.type = 'button';
                    button.setAttribute('aria-label', `${this.texts.remove}: ${labelOf(option)}`);
                    button.addEventListener('click', () => this.unchoose(option));
                    chip.append(button);
                    return chip;
                }));
                this.chips.hidden = !this.chosen.length;
                this.input.placeholder = this.chosen.length ? this.texts.more : this.texts.placeholder;
            }
            if (!this.isOpen) {
                this.showText();
            }
        }

        // What was typed and not chosen is gone.
        showText() {
            this.input.value = this.several || !this.chosen.length ? '' : labelOf(this.chosen[0]);
        }

        async describe() {
            showEffects(this.chosen.length ? this.chosen[0].dataset : {});
            const details = this.box.querySelector('.owh-picker-details');
            const chosen = this.chosen.map((option) => option.value);
            if (!chosen.length) {
                details.replaceChildren();
                return;
            }
            const query = new URLSearchParams(chosen.map((type) => ['of', type]));
            const response = await fetch(`${this.texts.describeUrl}?${query}`).catch(() => null);
            // A login that has ended leads to another page.
            const isOurs = response && response.ok && !response.redirected;
            if (isOurs && chosen.join() === this.chosen.map((option) => option.value).join()) {
                // Made by a template of ours, which escapes.
                details.innerHTML = await response.text();
            }
        }
    }

    document.addEventListener('DOMContentLoaded', () => {
        document.querySelectorAll('.owh-picker').forEach((box) => new Picker(box));
    });
}
