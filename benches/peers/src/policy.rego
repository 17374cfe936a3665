package passavant

import rego.v1

d := input.declaration

day := substring(d.accepted_at, 0, 10)

quotes contains [i, q] if {
	some i in d.items
	some q in i.licences
}

# Per licence quoted.
reasons contains "b:licence_not_found" if {
	some [_, q] in quotes
	not input.licences[q.number]
}

reasons contains "b:validity" if {
	some l in input.licences
	day < l.valid_from
}

reasons contains "b:validity" if {
	some l in input.licences
	day > l.valid_until
}

reasons contains "b:country" if {
	some l in input.licences
	l.country_of_export != d.country_of_export
}

reasons contains "b:country" if {
	some l in input.licences
	l.country_of_import != d.country_of_import
}

reasons contains "b:exporter" if {
	some l in input.licences
	l.exporter.id != d.exporter.id
}

reasons contains "r:consignee" if {
	some l in input.licences
	l.consignee.id != d.consignee.id
}

reasons contains "r:final_recipient" if {
	some l in input.licences
	l.final_recipient.id != d.final_recipient.id
}

reasons contains "b:border_post" if {
	some l in input.licences
	not d.border_post in l.border_posts
}

# Per item and line quoted.
matched contains [i, l] if {
	some [i, q] in quotes
	some l in input.licences[q.number].lines
	l.line == q.line
}

reasons contains "b:line_not_found" if {
	some [_, q] in quotes
	every l in input.licences[q.number].lines { l.line != q.line }
}

reasons contains "b:category" if {
	some [i, l] in matched
	l.category != i.category
}

reasons contains "r:tariff_code" if {
	some [i, l] in matched
	substring(l.hs, 0, 6) != substring(i.hs, 0, 6)
}

reasons contains "b:calibre" if {
	some [i, l] in matched
	upper(l.calibre) != upper(i.calibre)
}

reasons contains "b:make" if {
	some [i, l] in matched
	upper(l.make) != upper(i.make)
}

reasons contains "b:model" if {
	some [i, l] in matched
	upper(l.model) != upper(i.model)
}

reasons contains "b:unit" if {
	some [i, l] in matched
	l.unit != i.unit
}

reasons contains "b:serial" if {
	some [i, l] in matched
	count(l.serials) > 0
	some s in i.serials
	not s in l.serials
}

# What all items together take of a line.
reasons contains "b:quantity" if {
	some n, licence in input.licences
	some l in licence.lines
	wanted := sum([to_number(i.quantity) | some i in d.items; some q in i.licences; q.number == n; q.line == l.line])
	wanted > to_number(l.quantity)
}
