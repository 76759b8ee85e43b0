def picture(record, machine):
    return ""
