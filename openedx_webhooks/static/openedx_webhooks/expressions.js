/* Rows of a condition, ticked fields and recipes of a shape. The server says what they mean: the script has no JMESPath. */
'use strict';
{
    const WAIT = 250;

    const element = (tag, properties, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    // What the two widgets of a form share: the questions to the server, and its answers.
    class Desk {
        constructor(form, boxes) {
            this.form = form;
            this.url = boxes[0].dataset.url;
            this.widgets = boxes.map((box) => new {condition: Condition, shape: Shape}[box.dataset.owhExpression](box, this));
            this.event = this.chosen();
            this.asked = 0;
            form.addEventListener('change', () => {
                if (this.chosen() !== this.event) {
                    this.event = this.chosen();
                    this.ask({fields: '1'});
                }
            });
            this.ask({fields: '1'}, true);
        }

        chosen() {
            return new FormData(this.form).getAll('event').filter(Boolean).join(' ');
        }

        later() {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.ask({}), WAIT);
        }

        async ask(more, isFirst) {
            clearTimeout(this.timer);
            const question = new FormData();
            const names = this.widgets.map((widget) => widget.name);
            for (const [name, value] of new FormData(this.form)) {
                if (name === 'event' || name === 'csrfmiddlewaretoken' || names.some((own) => name === own || name.startsWith(own + '-'))) {
                    question.append(name, value);
                }
            }
            Object.entries(more).forEach(([name, value]) => question.append(name, value));
            this.asked += 1;
            const number = this.asked;
            let answer;
            try {
                const response = await fetch(this.url, {method: 'POST', body: question, credentials: 'same-origin'});
                answer = response.ok ? await response.json() : null;
            } catch {
                answer = null;
            }
            // Without an answer the form is saved as it is; an old answer says nothing of what was typed since.
            if (answer && number === this.asked) {
                this.widgets.forEach((widget) => widget.show(answer, isFirst));
            }
        }
    }

    class Expression {
        constructor(box, desk) {
            this.box = box;
            this.desk = desk;
            this.name = box.dataset.name;
            this.text = box.querySelector('textarea');
            this.status = box.querySelector('.owh-status');
            this.radios = [...box.querySelectorAll('.owh-modes input')];
            box.classList.add('owh-scripted');
            box.addEventListener('input', (event) => event.target === this.text || desk.later());
            this.radios.forEach((radio) => radio.addEventListener('change', () => this.changeMode()));
            this.before = this.mode;
            this.showPart();
        }

        get mode() {
            const checked = this.radios.find((radio) => radio.checked);
            return checked ? checked.value : 'text';
        }

        set mode(value) {
            this.radios.forEach((radio) => { radio.checked = radio.value === value; });
            this.before = value;
            this.showPart();
        }

        showPart() {
            this.box.querySelectorAll('[data-part]').forEach((part) => { part.hidden = part.dataset.part !== this.mode; });
        }

        changeMode() {
            this.status.textContent = '';
            if (this.before === 'text') {
                this.typed = this.text.value;
            } else if (this.mode === 'text' && !this.text.value && this.typed) {
                this.write(this.typed);
            }
            this.before = this.mode;
            this.showPart();
        }

        // Other scripts, such as the preview, follow the textarea.
        write(text) {
            if (text !== null && text !== this.text.value) {
                this.text.value = text;
                this.text.dispatchEvent(new Event('input', {bubbles: true}));
            }
        }
    }

    class Condition extends Expression {
        constructor(box, desk) {
            super(box, desk);
            this.part = box.querySelector('[data-part="rows"]');
            this.list = box.querySelector('datalist');
            const rows = this.rows();
            this.blank = rows[rows.length - 1].cloneNode(true);
            this.fields = {};
            rows.forEach((row) => this.prepare(row));
            this.buttons = element('p', {className: 'owh-row-buttons'});
            this.list.before(this.buttons);
            this.button(box.dataset.add, () => this.add());
            this.short = element('span', {className: 'owh-row-buttons'});
            this.buttons.append(this.short);
            this.tidy(1);
        }

        rows() {
            return [...this.part.querySelectorAll('.owh-row')];
        }

        button(text, action, where = this.buttons) {
            const button = element('button', {type: 'button', className: 'owh-link', textContent: '+ ' + text});
            button.addEventListener('click', action);
            where.append(button);
        }

        prepare(row) {
            const remove = element('button', {type: 'button', className: 'owh-link owh-remove', textContent: '✕', title: this.box.dataset.remove});
            remove.setAttribute('aria-label', this.box.dataset.remove);
            remove.addEventListener('click', () => {
                const next = row.nextElementSibling.matches('.owh-row') ? row.nextElementSibling : row.previousElementSibling;
                row.remove();
                this.tidy(1);
                (next.matches('.owh-row') ? next : this.rows()[0]).querySelector('input').focus();
                this.desk.ask({});
            });
            row.querySelector('.owh-row-value').after(remove);
            const [field, comparison] = [row.querySelector('.owh-row-field'), row.querySelector('select')];
            comparison.addEventListener('change', () => this.suit(row));
            field.addEventListener('change', () => this.suit(row));
            row.addEventListener('focusout', () => setTimeout(() => this.showProblem(row)));
            this.suit(row);
        }

        // Not while somebody is still typing in the row.
        showProblem(row) {
            const problem = row.querySelector('.owh-row-problem');
            const isShown = Boolean(problem.textContent) && !(row.contains(document.activeElement) && document.activeElement.matches('input, select'));
            problem.hidden = !isShown;
            row.classList.toggle('owh-row-wrong', isShown);
        }

        // The value's input, for what is compared: hidden where there is none, with the values that there are.
        suit(row) {
            const [field, comparison, value] = [row.querySelector('.owh-row-field'), row.querySelector('select'), row.querySelector('.owh-row-value')];
            const takes = comparison.selectedOptions[0].dataset.takes;
            // Not disabled: the values of the rows are sent in their order.
            value.classList.toggle('owh-no-value', takes === 'nothing');
            const known = this.fields[field.value] || {values: [], kind: ''};
            const values = known.kind === 'boolean' ? ['true', 'false'] : known.values;
            value.placeholder = takes === 'several' ? this.box.dataset.several : known.kind === 'date' ? '2026-09-01T08:30:00+00:00' : this.box.dataset.one;
            const old = row.querySelector('datalist');
            if (old) {
                old.remove();
            }
            value.removeAttribute('list');
            if (values.length && takes === 'one') {
                Condition.lists = (Condition.lists || 0) + 1;
                const list = element('datalist', {id: 'owh-values-' + Condition.lists}, ...values.map((text) => element('option', {value: text})));
                row.append(list);
                value.setAttribute('list', list.id);
            }
        }

        add([field, comparison, value] = ['', 'is', ''], isFocused = true) {
            const row = this.blank.cloneNode(true);
            row.classList.remove('owh-row-wrong');
            const last = this.rows().pop();
            row.querySelector('.owh-row-field').value = field;
            row.querySelector('select').value = comparison;
            row.querySelector('.owh-row-value').value = value;
            last ? last.after(row) : this.buttons.before(row);
            this.prepare(row);
            if (isFocused) {
                row.querySelector('.owh-row-field').focus();
            }
            return row;
        }

        isBlank(row) {
            return !row.querySelector('.owh-row-field').value && !row.querySelector('.owh-row-value').value;
        }

        // No more rows at the end than these that nobody has filled in.
        tidy(most) {
            let blank = this.rows().filter((row) => this.isBlank(row));
            blank.slice(this.rows().length > blank.length ? 0 : most).forEach((row) => row.remove());
            if (!this.rows().length) {
                this.add(undefined, false);
            }
        }

        changeMode() {
            const wasText = this.before === 'text';
            super.changeMode();
            if (this.mode === 'rows') {
                this.desk.ask(wasText && this.text.value.trim() ? {[this.name + '-read']: '1'} : {});
            }
        }

        show(answer, isFirst) {
            const mine = answer.condition;
            if (answer.fields) {
                this.fields = Object.fromEntries(answer.fields.map((field) => [field.path, field]));
                this.list.replaceChildren(...answer.fields.map((field) => element('option', {value: field.path, textContent: field.about})));
                this.rows().forEach((row) => this.suit(row));
                this.short.replaceChildren();
                Object.entries(answer.shortcuts).forEach(([name, row]) => this.button(
                    this.box.dataset[name], () => this.addShortcut(row), this.short
                ));
            }
            if (mine.read) {
                this.read(mine.read);
            } else if (this.mode === 'rows' && !isFirst) {
                this.write(mine.text);
                this.status.textContent = Object.keys(mine.problems).length ? '' : mine.problem;
                const filled = this.rows().filter((row) => !this.isBlank(row));
                this.rows().forEach((row) => {
                    row.querySelector('.owh-row-problem').textContent = mine.problems[filled.indexOf(row)] || '';
                    this.showProblem(row);
                });
            }
        }

        addShortcut({field, comparison, value}) {
            const blank = this.rows().find((row) => this.isBlank(row));
            const row = this.add([field, comparison, value]);
            if (blank) {
                blank.remove();
            }
            const input = row.querySelector('.owh-row-value');
            input.focus();
            const place = value.indexOf('ORG');
            input.setSelectionRange(place < 0 ? value.length : place, place < 0 ? value.length : place + 3);
            this.desk.later();
        }

        read({mode, join, rows}) {
            if (mode !== 'rows') {
                this.mode = 'text';
                this.status.textContent = this.box.dataset.unreadable;
                return;
            }
            this.part.querySelector('[name$="-join"]').value = join;
            this.rows().forEach((row) => row.remove());
            rows.forEach((row) => this.add(row, false));
        }
    }

    class Shape extends Expression {
        constructor(box, desk) {
            super(box, desk);
            this.ticks = box.querySelector('.owh-ticks');
            this.recipe = box.querySelector('select');
            if (this.recipe) {
                this.recipe.addEventListener('change', () => this.showRecipe());
                this.showRecipe();
            }
        }

        showRecipe() {
            const chosen = this.recipe.selectedOptions[0];
            this.box.querySelectorAll('[data-recipe]').forEach((item) => { item.hidden = item.dataset.recipe !== chosen.value; });
            const needed = (chosen.dataset.parameters || '').split(' ');
            this.box.querySelectorAll('[data-parameter]').forEach((item) => { item.hidden = !needed.includes(item.dataset.parameter); });
        }

        changeMode() {
            super.changeMode();
            if (this.mode !== 'text') {
                this.desk.ask({});
            }
        }

        show(answer, isFirst) {
            if (answer.fields && !isFirst) {
                const ticked = new Set([...this.ticks.querySelectorAll(':checked')].map((tick) => tick.value));
                this.ticks.replaceChildren(...answer.fields.map((field) => this.tick(field, ticked)));
                this.box.querySelector('.owh-no-event').hidden = answer.fields.length > 0;
            }
            if (this.mode !== 'text' && !isFirst) {
                this.write(this.mode === 'everything' ? '' : answer.shape.text);
                this.status.textContent = this.isUntouched() ? '' : answer.shape.problem;
            }
        }

        // Nothing has been ticked or chosen yet: no mistake.
        isUntouched() {
            if (this.mode === 'fields') {
                return !this.ticks.querySelector(':checked');
            }
            const sender = this.box.querySelector('[data-parameter="sender"]:not([hidden]) input');
            return this.mode === 'recipe' && (!this.recipe.value || Boolean(sender && !sender.value));
        }

        tick(field, ticked) {
            const input = element('input', {type: 'checkbox', name: this.name + '-field', value: field.path, checked: ticked.has(field.path)});
            const about = element('small', {textContent: field.about + ' '});
            if (field.is_personal) {
                about.append(element('em', {textContent: this.box.dataset.personal}));
            }
            return element('label', {}, input, ' ', element('span', {}, element('code', {textContent: field.path}), ' ', about));
        }
    }

    document.addEventListener('DOMContentLoaded', () => {
        const boxes = [...document.querySelectorAll('[data-owh-expression]')];
        if (boxes.length) {
            new Desk(boxes[0].closest('form'), boxes);
        }
    });
}
