/* What makes the hook forms comfortable; all of it works without this script too. */
'use strict';
{
    const $ = django.jQuery;

    const line = (text, cls) => {
        const element = document.createElement('span');
        if (cls) {
            element.className = cls;
        }
        element.textContent = text;
        return element;
    };

    // The short name, and the dotted type below it. textContent, never innerHTML: a stored type may be anything.
    const option = (item) => {
        const data = item.element && item.element.dataset;
        if (!data || !data.type) {
            return item.text;
        }
        return $('<span>').append(line(data.name), line(data.type, 'owh-option-type'));
    };

    // Every word must be in the name or the dotted type; "_", "." and "-" count as spaces.
    const plain = (text) => text.toLowerCase().replace(/[_.\-()]+/g, ' ');
    const matches = (params, item) => {
        const words = plain(params.term || '').split(/\s+/).filter(Boolean);
        if (!words.length) {
            return item;
        }
        if (item.children) {
            const group = plain(item.text);
            const children = item.children.filter(
                (child) => words.every((word) => (group + ' ' + plain(child.text)).includes(word))
            );
            return children.length ? {...item, children} : null;
        }
        return words.every((word) => plain(item.text).includes(word)) ? item : null;
    };

    const showHint = (select) => {
        const data = select.selectedOptions.length ? select.selectedOptions[0].dataset : {};
        let hint = document.getElementById(select.id + '_hint');
        if (!hint) {
            hint = document.createElement('div');
            hint.id = select.id + '_hint';
            hint.className = 'owh-type-hint';
            hint.setAttribute('role', 'status');
            select.closest('.form-row').append(hint);
        }
        hint.replaceChildren(...[data.about, data.cautions, data.hint].filter(Boolean).map((text) => {
            const paragraph = document.createElement('p');
            paragraph.textContent = text;
            return paragraph;
        }));
        hint.hidden = !hint.childNodes.length;
        const dim = (selector, dimmed) => document.querySelectorAll(selector).forEach(
            (field) => (field.closest('.fieldBox') || field.closest('.form-row')).classList.toggle('owh-cannot', dimmed)
        );
        const say = (name, text) => {
            const field = document.querySelector(`[name="${name}"]`);
            if (!field) {
                return;
            }
            const row = field.closest('.form-row');
            const note = row.querySelector('.owh-effect') || row.appendChild(line('', 'owh-effect help'));
            note.textContent = text || '';
            note.hidden = !text;
        };
        say('halt_on_4xx', data.effect);
        document.querySelectorAll('[name^="redirect_on_"]').forEach((field) => say(field.name, data.redirect));
        dim('[name^="halt_on_"]', data.halts === 'no');
        dim('[name^="redirect_on_"]', data.redirects === 'no');
    };

    const prepareHeaders = (box) => {
        const addRemove = (row) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.textContent = box.dataset.remove;
            button.addEventListener('click', () => {
                const next = row.nextElementSibling || row.previousElementSibling;
                row.remove();
                next.querySelector('input, button').focus();
            });
            row.append(button);
        };
        const rows = [...box.querySelectorAll('.owh-header-row')];
        const blank = rows[rows.length - 1].cloneNode(true);
        rows.forEach(addRemove);
        const add = document.createElement('button');
        add.type = 'button';
        add.textContent = '+ ' + box.dataset.add;
        add.addEventListener('click', () => {
            const row = blank.cloneNode(true);
            row.querySelectorAll('input').forEach((input) => { input.value = ''; input.removeAttribute('id'); });
            addRemove(row);
            add.before(row);
            row.querySelector('input').focus();
        });
        box.append(add);
    };

    $(() => {
        $('select.owh-type-select').each((_index, select) => {
            $(select).select2({
                theme: 'admin-autocomplete', width: 'min(100%, 46rem)', templateResult: option, matcher: matches,
            }).on('change', () => showHint(select));
            showHint(select);
        });
        document.querySelectorAll('.owh-headers').forEach(prepareHeaders);
    });
}
