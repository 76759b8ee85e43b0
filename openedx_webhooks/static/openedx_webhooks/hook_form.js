/* Rows of headers can be added and removed; without this script there are empty ones. */
'use strict';
{
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

    document.addEventListener('DOMContentLoaded', () => {
        document.querySelectorAll('.owh-headers').forEach(prepareHeaders);
    });
}
